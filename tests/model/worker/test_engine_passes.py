"""Which requests share a step's pass over the weights, and with how many rows."""

from __future__ import annotations

import pytest

from bot.model.gpt2.transformer import LARGEST_CHUNK
from bot.model.protocol import GenerationRequest, SamplingParams
from bot.model.worker.batch import SHARED_CHUNK
from tests.support.driving import Recorded, engine_of, request, run, some_ids

# Compiling a model takes a second.
pytestmark = pytest.mark.slow


def test_short_prompts_that_arrive_together_share_one_pass(recorded: Recorded) -> None:
    engine = engine_of(recorded)
    for name, length in (("a", 5), ("b", 1), ("c", 40)):
        engine.submit(request(name, prompt=length))
    assert [event.request_id for event in engine.step()] == ["a", "b", "c"]
    assert recorded.passes == [[5, 1, 40]]


def test_a_text_alone_takes_one_row_per_token(recorded: Recorded) -> None:
    run(engine_of(recorded), request("a", prompt=7, max_new_tokens=4))
    assert recorded.passes == [[7], [1], [1], [1]]


def test_a_prompt_is_read_in_the_same_passes_in_which_others_continue(recorded: Recorded) -> None:
    engine = engine_of(recorded)
    engine.submit(request("a"))
    engine.step()
    engine.submit(request("b", prompt=20))
    assert [event.request_id for event in engine.step()] == ["a", "b"]
    assert recorded.passes == [[3], [1, 20]]


def test_a_long_prompt_delays_the_others_by_one_small_chunk_per_step(recorded: Recorded) -> None:
    engine = engine_of(recorded)
    engine.submit(request("short", max_new_tokens=30))
    engine.step()
    engine.submit(request("long", prompt=3 * SHARED_CHUNK + 1))
    for n in range(1, 5):
        expected = ["short", "long"] if n == 4 else ["short"]
        assert [event.request_id for event in engine.step()] == expected
    assert recorded.passes == [[3], *[[1, SHARED_CHUNK]] * 3, [1, 1]]


def test_prompts_share_the_small_chunk_in_order_of_arrival(recorded: Recorded) -> None:
    engine = engine_of(recorded)
    engine.submit(request("going", max_new_tokens=30))
    engine.step()
    for name, length in (("a", 30), ("b", 60), ("c", 10)):
        engine.submit(request(name, prompt=length))
    assert [event.request_id for event in engine.step()] == ["going", "a"]
    assert [event.request_id for event in engine.step()] == ["going", "a", "b", "c"]
    assert recorded.passes[1:] == [[1, 30, 34], [1, 1, 26, 10]]


def test_while_no_text_is_written_prompts_are_read_in_large_chunks(recorded: Recorded) -> None:
    engine = engine_of(recorded)
    engine.submit(request("a", prompt=2 * LARGEST_CHUNK + 8, max_new_tokens=1))
    engine.submit(request("b", prompt=4, max_new_tokens=1))
    assert engine.step() == []
    assert engine.step() == []
    assert {event.request_id for event in engine.step()} == {"a", "b"}
    assert recorded.passes == [[LARGEST_CHUNK], [LARGEST_CHUNK], [8, 4]]


def test_no_pass_exceeds_the_most_rows(recorded: Recorded) -> None:
    lengths = [600, 3, 257, 64, 1, 129, 32, 300]
    run(engine_of(recorded), *(request(str(n), prompt=length) for n, length in enumerate(lengths)))
    assert max(sum(rows) for rows in recorded.passes) <= LARGEST_CHUNK
    for rows in recorded.passes:
        decoding = [count for count in rows if count == 1]
        assert sum(rows) <= SHARED_CHUNK + len(decoding) or len(decoding) < len(rows)


def test_a_long_skip_of_draws_does_not_hold_up_the_others(recorded: Recorded) -> None:
    engine = engine_of(recorded)
    engine.submit(request("going", max_new_tokens=20))
    engine.step()
    skipping = GenerationRequest(
        "skipping", tuple(some_ids(600)), SamplingParams(max_new_tokens=1), generated=590
    )
    engine.submit(skipping)
    for _ in range(2):
        assert [e.request_id for e in engine.step()] == ["going"]
    assert recorded.passes[1:] == [[1], [1]]


def test_generated_ids_are_read_in_chunks_too(recorded: Recorded) -> None:
    ids = tuple(some_ids(300))
    run(engine_of(recorded), GenerationRequest("a", ids, SamplingParams(max_new_tokens=1), generated=250))
    assert recorded.passes == [[LARGEST_CHUNK], [300 - LARGEST_CHUNK]]
