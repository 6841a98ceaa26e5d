"""Keeping ended texts saves rows, and changes nothing else."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.features.complete import CompletionJob
from bot.features.next import Walk
from bot.model.gpt2.transformer import GPT2, LARGEST_CHUNK
from bot.model.protocol import GenerationRequest, SamplingParams
from bot.queue.updates import Completion
from tests.support.driving import (
    Outcome,
    Recorded,
    collect,
    engine_of,
    random_request,
    request,
    run,
    run_alone,
    seeded,
    some_ids,
)
from tests.support.samples import FINGERPRINT

# Compiling a model takes a second.
pytestmark = pytest.mark.slow

ROOMY = 10**8


Rows = Callable[[GenerationRequest], list[list[int]]]


@pytest.fixture
def rows(recorded: Recorded, gpt2: GPT2) -> Rows:
    """Runs a request in an engine that keeps texts, and returns the rows of its passes."""
    engine = engine_of(recorded, prefix_bytes=ROOMY)

    def run_counted(request: GenerationRequest) -> list[list[int]]:
        recorded.passes.clear()
        assert run(engine, request)[request.request_id] == run_alone(gpt2, request)
        return list(recorded.passes)

    return run_counted


def a_walk(length: int) -> Walk:
    return Walk("0" * 16, 1, tuple(some_ids(length)), (), temperature=1.0, seed=7)


def test_a_step_of_a_walk_computes_one_row(rows: Rows) -> None:
    walk = a_walk(50)
    assert rows(walk.request) == [[50]]
    for token_id in some_ids(40, seed=1):
        walk = walk.append(token_id, owner=1)
        assert rows(walk.request) == [[1]]


def test_a_step_back_computes_one_row(rows: Rows) -> None:
    walk = a_walk(50)
    for token_id in (5, 6, 7):
        rows(walk.request)
        walk = walk.append(token_id, owner=1)
    for _ in range(3):
        walk = walk.undo(owner=1)
        assert rows(walk.request) == [[1]]
    assert rows(walk.append(9, owner=1).request) == [[1]]


def test_continue_and_re_roll_compute_one_row_before_the_new_tokens(rows: Rows, gpt2: GPT2) -> None:
    params = SamplingParams(max_new_tokens=9, seed=3)
    job = CompletionJob("0" * 16, 1, tuple(some_ids(70)), params, private=False)
    assert rows(job.request(640)) == [[70], *[[1]] * 8]
    steps = run_alone(gpt2, job.request(640)).steps
    done = job.finished(Completion(tuple(steps), "length"), fingerprint=FINGERPRINT, asked_at=0.0)
    assert rows(done.continued(owner=1).request(640)) == [[1]] * 9
    assert rows(done.rerolled(owner=1).request(640)) == [[1]] * 9


def test_a_text_computes_only_what_follows_a_cached_prefix(rows: Rows) -> None:
    rows(request("a", prompt=100, max_new_tokens=1))
    assert rows(request("longer", prompt=130, max_new_tokens=1)) == [[30]]
    assert rows(request("shorter", prompt=60, max_new_tokens=1)) == [[1]]
    other = replace(request("other", max_new_tokens=1), prompt_ids=(*range(1, 41), 0, 0, 0))
    assert rows(other) == [[3]]


def test_generated_ids_are_recalled_when_a_person_types_them(rows: Rows, gpt2: GPT2) -> None:
    first = request("a", prompt=20, max_new_tokens=10)
    ids = run_alone(gpt2, first).ids
    rows(first)
    typed = GenerationRequest("typed", (*first.prompt_ids, *ids), SamplingParams(max_new_tokens=1))
    assert rows(typed) == [[1]]


def test_without_a_prefix_cache_everything_is_computed_again(recorded: Recorded) -> None:
    engine = engine_of(recorded)
    for _ in range(2):
        run(engine, request("a", prompt=50, max_new_tokens=1))
    assert recorded.passes == [[50], [50]]


def test_an_evicted_text_is_computed_again_bit_for_bit(recorded: Recorded) -> None:
    # Room for the keys and values of 128 positions: two layers, two heads of 16 numbers.
    engine = engine_of(recorded, prefix_bytes=2 * 2 * 2 * 16 * 4 * 128)
    texts = [
        GenerationRequest(str(n), tuple(some_ids(50, seed=n)), SamplingParams(max_new_tokens=2))
        for n in range(3)
    ]
    outcomes = [run(engine, texts[n])[str(n)] for n in (0, 1, 2, 1, 0)]
    assert [passes for passes in recorded.passes if passes != [1]] == [[50], [50], [50], [50]]
    assert outcomes[:2] == outcomes[4:2:-1]


def test_an_aborted_text_is_cached_up_to_its_last_step(recorded: Recorded, gpt2: GPT2) -> None:
    engine = engine_of(recorded, prefix_bytes=ROOMY)
    engine.submit(request("a", prompt=500))
    engine.step()
    engine.abort("a")
    recorded.passes.clear()
    assert run(engine, request("b", prompt=500))["b"] == run_alone(gpt2, request("b", prompt=500))
    assert recorded.passes[0] == [500 - LARGEST_CHUNK]


def test_a_text_aborted_while_it_waited_leaves_nothing(recorded: Recorded) -> None:
    engine = engine_of(recorded, prefix_bytes=ROOMY)
    engine.submit(request("a", prompt=50))
    engine.abort("a")
    run(engine, request("b", prompt=50, max_new_tokens=1))
    assert recorded.passes == [[50]]


def test_a_rest_between_two_texts_changes_nothing(recorded: Recorded) -> None:
    engine = engine_of(recorded, prefix_bytes=ROOMY)
    wanted = request("a", prompt=20)
    before = run(engine, wanted)
    engine.rest()
    assert engine._batch._store.filled_bytes == 0
    assert run(engine, wanted) == before


def test_two_simultaneous_re_rolls_both_use_the_cache(recorded: Recorded) -> None:
    engine = engine_of(recorded, prefix_bytes=ROOMY)
    run(engine, request("a", prompt=50, max_new_tokens=1))
    recorded.passes.clear()
    run(engine, *(request(str(n), prompt=50, max_new_tokens=1, seed=n) for n in range(3)))
    assert recorded.passes == [[1, 1, 1]]


def test_forgotten_texts_are_computed_again(recorded: Recorded) -> None:
    engine = engine_of(recorded, prefix_bytes=ROOMY)
    run(engine, request("a", prompt=50, max_new_tokens=1))
    engine.forget()
    run(engine, request("b", prompt=50, max_new_tokens=1))
    assert recorded.passes == [[50], [50]]
    run(engine, request("c", prompt=50, max_new_tokens=1))
    assert recorded.passes[2:] == [[1]]


@pytest.mark.parametrize("ending", ["ended", "aborted", "running"])
def test_running_and_just_ended_texts_are_forgotten_too(recorded: Recorded, ending: str) -> None:
    engine = engine_of(recorded, prefix_bytes=ROOMY)
    engine.submit(request("a", prompt=50, max_new_tokens=1 if ending == "ended" else 3))
    engine.step()
    if ending == "aborted":
        engine.abort("a")
    engine.forget()
    while not engine.idle:
        engine.step()
    recorded.passes.clear()
    run(engine, request("b", prompt=50, max_new_tokens=1))
    assert recorded.passes == [[50]]


def related(random: Random, earlier: GenerationRequest, ids: list[int]) -> GenerationRequest:
    """A request related to ``earlier``, which gave ``ids``."""
    read = len(earlier.prompt_ids) - earlier.generated
    whole = (*earlier.prompt_ids, *ids)
    cut = random.randint(1, len(whole))
    other = tuple(random.randrange(211) for _ in range(random.randint(0, 40)))
    prompt, own = random.choice(
        [
            (whole, len(whole) - read),  # continued
            (earlier.prompt_ids[:read], 0),  # rolled again
            (whole, 0),  # typed in
            (whole[:cut], max(0, cut - read)),  # stepped back
            ((*whole[:cut], *other), max(0, cut + len(other) - read)),  # another way
            ((*whole[:cut], *other), len(other)),
        ]
    )
    params = replace(earlier.params, max_new_tokens=random.randint(1, 8), seed=random.randrange(2**32))
    return GenerationRequest("", prompt, params, generated=min(own, len(prompt) - 1))


@settings(max_examples=12)
@given(seed=st.integers(0, 2**32 - 1))
def test_caching_recalling_and_forgetting_change_no_bit(precise: GPT2, seed: int) -> None:
    random = seeded(seed)
    engine = engine_of(
        precise, max_batch=random.choice([1, 3]), prefix_bytes=random.choice([4 * 10**4, 2 * 10**5, ROOMY])
    )
    requests: dict[str, GenerationRequest] = {}
    outcomes: dict[str, Outcome] = {}
    while len(requests) < 12 or not engine.idle:
        if len(requests) < 12 and random.random() < 0.3:
            over = [name for name, outcome in outcomes.items() if outcome.ending]
            fresh = random_request(random, "", vocabulary=211, longest=120)
            name = str(len(requests))
            source = random.choice([None, *over])
            new = fresh if source is None else related(random, requests[source], outcomes[source].ids)
            requests[name] = replace(new, request_id=name)
            engine.submit(requests[name])
        if requests and random.random() < 0.03:
            engine.abort(random.choice(list(requests)))
        collect(engine.step(), outcomes)
    for name, one in requests.items():
        alone, got = run_alone(precise, one), outcomes[name]
        if got.ending == "cancelled":
            alone = Outcome(alone.steps[: len(got.steps)], "cancelled")
        assert got == alone
