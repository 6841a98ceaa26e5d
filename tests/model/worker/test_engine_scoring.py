"""A scored request reads a text: its steps are the text's own tokens, with the model's ranks."""

from __future__ import annotations

import pytest
import torch
from msgspec.structs import replace
from transformers import GPT2LMHeadModel

from bot.model.gpt2.transformer import GPT2
from bot.model.protocol import Ended, GenerationRequest, SamplingParams
from tests.model.conftest import OVERFLOWS, gpt2_of, overflowing_model
from tests.support.driving import Outcome, collect, engine_of, request, run, run_alone, some_ids

# Compiling a model takes a second.
pytestmark = pytest.mark.slow

LONG = 200  # more than a step reads


def scored(name: str, ids: list[int]) -> GenerationRequest:
    return GenerationRequest(name, tuple(ids), SamplingParams(temperature=1.0), scored=True)


def test_every_token_but_the_first_is_scored(gpt2: GPT2) -> None:
    ids = some_ids(LONG)
    outcome = run_alone(gpt2, scored("a", ids))

    assert outcome.ids == ids[1:]
    assert outcome.ending == "length"


def test_their_mean_negative_logprob_is_the_loss_that_transformers_returns(
    gpt2: GPT2, reference: GPT2LMHeadModel
) -> None:
    ids = some_ids(LONG)
    steps = run_alone(gpt2, scored("a", ids)).steps
    tensor = torch.tensor([ids])
    with torch.inference_mode():
        loss = reference(tensor, labels=tensor).loss.item()

    assert -sum(step.chosen.logprob for step in steps) / len(steps) == pytest.approx(loss, abs=1e-4)


def test_ranks_and_candidates_equal_those_of_a_written_text(precise: GPT2) -> None:
    written = run_alone(precise, request("a", prompt=5, max_new_tokens=80, temperature=1.0, seed=3))
    ids = [*request("a", prompt=5).prompt_ids, *written.ids]

    assert run_alone(precise, scored("a", ids)).steps[4:] == written.steps


def test_neighbours_change_no_bit(precise: GPT2) -> None:
    texts = [
        scored(f"scored {seed}", some_ids(length, seed=seed)) for seed, length in enumerate((2, 64, 65, 130))
    ]
    others = [request("written", prompt=70, max_new_tokens=9), request("short", temperature=0.0)]
    together = run(engine_of(precise, prefix_bytes=10**6), *others, *texts)

    for text in (*texts, *others):
        assert together[text.request_id] == run_alone(precise, text)


def test_cached_prefixes_make_no_difference(gpt2: GPT2) -> None:
    text = scored("b", some_ids(LONG))
    engine = engine_of(gpt2, prefix_bytes=10**7)
    run(engine, replace(text, request_id="a", scored=False))

    assert run(engine, text)["b"] == run_alone(gpt2, text)
    written = replace(text, scored=False)
    assert run(engine, written)["b"] == run_alone(gpt2, written)


def test_a_text_that_fills_the_context_can_be_scored(gpt2: GPT2) -> None:
    assert len(run_alone(gpt2, scored("a", some_ids(640))).steps) == 639
    assert run_alone(gpt2, scored("a", some_ids(641))).ending == (
        "rejected: the prompt and max_new_tokens make 641 tokens; the context is 640"
    )


def test_an_end_of_text_token_ends_nothing(gpt2: GPT2) -> None:
    ids = some_ids(20)

    assert run_alone(gpt2, scored("a", ids), end_of_text=ids[7]).ids == ids[1:]


def test_a_single_token_has_nothing_to_score(gpt2: GPT2) -> None:
    assert run_alone(gpt2, scored("a", [1])).ending == "rejected: there is no second token to score"


def test_a_scored_request_can_be_aborted_half_way(gpt2: GPT2) -> None:
    engine = engine_of(gpt2)
    engine.submit(scored("a", some_ids(LONG)))
    first = engine.step()
    engine.abort("a")

    assert 0 < len(first) < LONG - 1
    assert engine.step() == [Ended("a", "cancelled")]
    assert engine.idle


def test_non_finite_logits_reject_only_that_request() -> None:
    model = gpt2_of(overflowing_model())
    outcomes = run(engine_of(model), request("before"), scored("bad", [1, 2, OVERFLOWS, 3]), request("after"))

    assert outcomes["bad"].ending == "rejected: ValueError: the model's logits are not finite"
    for name in ("before", "after"):
        assert outcomes[name] == run_alone(model, request(name))


def test_other_requests_continue_while_a_long_text_is_scored(gpt2: GPT2) -> None:
    engine = engine_of(gpt2)
    engine.submit(request("a", max_new_tokens=50))
    engine.step()
    engine.submit(scored("b", some_ids(LONG)))
    outcomes: dict[str, Outcome] = {}
    while "b" not in outcomes or outcomes["b"].ending is None:
        events = engine.step()
        assert any(event.request_id == "a" for event in events)
        collect((event for event in events if event.request_id == "b"), outcomes)
