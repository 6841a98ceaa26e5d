"""Requests arrive, continue, end, are aborted and fail."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from torch import Tensor

from bot.model.gpt2.transformer import GPT2
from bot.model.protocol import Ended, GenerationRequest, Rejected, SamplingParams, Stepped
from bot.model.worker.engine import Engine
from bot.model.worker.sampling import Sampler
from tests.model.conftest import OVERFLOWS, gpt2_of, overflowing_model
from tests.support.driving import Outcome, collect, engine_of, request, run, run_alone, sampling_kernels


def test_an_aborted_request_ends_as_cancelled_and_frees_its_place_with_the_next_step(
    gpt2: GPT2,
) -> None:
    engine = engine_of(gpt2)
    engine.submit(request("a", max_new_tokens=100))
    engine.step()
    assert engine._batch._store._used
    engine.abort("a")
    assert engine.step() == [Ended("a", "cancelled")]
    assert not engine._batch._store._used
    assert engine.idle


def test_a_waiting_request_can_be_aborted(gpt2: GPT2) -> None:
    engine = engine_of(gpt2)
    engine.submit(request("a"))
    engine.abort("a")
    assert not engine.idle
    assert engine.step() == [Ended("a", "cancelled")]


def test_aborting_an_unknown_or_ended_request_sends_nothing(gpt2: GPT2) -> None:
    engine = engine_of(gpt2)
    run(engine, request("a"))
    engine.abort("a")
    engine.abort("never")
    assert engine.idle


def test_the_end_of_text_stops_a_text_and_is_its_last_step(gpt2: GPT2) -> None:
    free = run_alone(gpt2, request("a", max_new_tokens=20))
    end = free.ids[7]
    stopped = run_alone(gpt2, request("a", max_new_tokens=20), end_of_text=end)
    assert stopped.ending == "stop"
    assert stopped.ids == free.ids[: free.ids.index(end) + 1]


def test_a_text_ends_at_any_of_several_end_tokens(gpt2: GPT2) -> None:
    free = run_alone(gpt2, request("a", max_new_tokens=20)).ids
    ends = {free[9], free[5], free[12]}
    engine = Engine(gpt2, sampling_kernels(), ends=ends, max_batch=1)
    stopped = run(engine, request("a", max_new_tokens=20))["a"]
    first = next(index for index, token_id in enumerate(free) if token_id in ends)
    assert (stopped.ids, stopped.ending) == (free[: first + 1], "stop")


def test_a_text_that_ends_with_its_last_token_stopped(gpt2: GPT2) -> None:
    (only,) = run_alone(gpt2, request("a", max_new_tokens=1)).ids
    assert run_alone(gpt2, request("a", max_new_tokens=1), end_of_text=only).ending == "stop"


def test_the_context_can_be_filled_to_the_last_token(gpt2: GPT2) -> None:
    outcome = run_alone(gpt2, request("a", prompt=620, max_new_tokens=20))
    assert (len(outcome.steps), outcome.ending) == (20, "length")


@pytest.mark.parametrize(
    ("bad", "detail"),
    [
        (GenerationRequest("bad", (), SamplingParams()), "the prompt is empty"),
        (request("bad", prompt=620, max_new_tokens=21), "641 tokens; the context is 640"),
        (GenerationRequest("bad", (1, 211), SamplingParams()), "not from 0 to 210"),
        (GenerationRequest("bad", (-1,), SamplingParams()), "not from 0 to 210"),
        (request("bad", top_p=2.0), "top_p"),
        (request("bad", candidates=-1), "candidates is not from 0 to 100"),
        (request("bad", candidates=101), "candidates is not from 0 to 100"),
        (GenerationRequest("bad", (1, 2), SamplingParams(), generated=2), "generated is not from 0"),
        (GenerationRequest("bad", (1, 2), SamplingParams(), generated=-1), "generated is not from 0"),
        (request("good"), "already in progress"),
    ],
    ids=[
        "empty",
        "too long",
        "unknown id",
        "negative id",
        "bad setting",
        "negative candidates",
        "many candidates",
        "all generated",
        "negative",
        "duplicate",
    ],
)
def test_a_request_that_cannot_be_served_is_rejected_and_disturbs_no_other(
    gpt2: GPT2, bad: GenerationRequest, detail: str
) -> None:
    engine = engine_of(gpt2)
    engine.submit(request("good"))
    first = engine.step()
    engine.submit(bad)
    second = engine.step()
    rejected = [event for event in second if isinstance(event, Rejected)]
    assert [event.request_id for event in rejected] == [bad.request_id]
    assert detail in rejected[0].detail
    outcomes: dict[str, Outcome] = {}
    collect([e for e in [*first, *second] if not isinstance(e, Rejected)], outcomes)
    while not engine.idle:
        collect(engine.step(), outcomes)
    assert outcomes == {"good": run_alone(gpt2, request("good"))}


def test_an_id_can_be_used_again_once_its_request_is_over(gpt2: GPT2) -> None:
    engine = engine_of(gpt2)
    assert run(engine, request("a")) == run(engine, request("a"))


def test_a_failure_while_sampling_ends_that_request_alone(
    gpt2: GPT2, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = run_alone(gpt2, request("good"))
    real: Callable[[Sampler, Tensor, Tensor | None, float], int] = Sampler.choose

    def choose(self: Sampler, logits: Tensor, noise: Tensor | None, least: float) -> int:
        if self.params.seed == 13:
            raise RuntimeError("broken")
        return real(self, logits, noise, least)

    monkeypatch.setattr(Sampler, "choose", choose)
    outcomes = run(engine_of(gpt2), request("bad", seed=13), request("good"))
    assert outcomes["bad"] == Outcome([], "rejected: RuntimeError: broken")
    assert outcomes["good"] == expected


NOT_FINITE = Outcome([], "rejected: ValueError: the model's logits are not finite")


@pytest.mark.slow
def test_logits_that_are_not_finite_reject_their_request_alone() -> None:
    model = gpt2_of(overflowing_model())
    bad = GenerationRequest("bad", (1, 2, OVERFLOWS), SamplingParams())
    outcomes = run(engine_of(model), request("before"), bad, request("after"))
    assert outcomes["bad"] == NOT_FINITE
    for name in ("before", "after"):
        assert outcomes[name] == run_alone(model, request(name))


def outcome_beside_others(engine: Engine, request: GenerationRequest) -> Outcome:
    engine.submit(request)
    outcomes = {request.request_id: Outcome()}
    while outcomes[request.request_id].ending is None:
        collect([e for e in engine.step() if e.request_id == request.request_id], outcomes)
    return outcomes[request.request_id]


@pytest.mark.slow
@pytest.mark.parametrize("prefix_bytes", [0, 10**6])
def test_a_rejected_request_leaves_nothing_behind_for_the_next_ones(prefix_bytes: int) -> None:
    model = gpt2_of(overflowing_model())
    engine = engine_of(model, prefix_bytes=prefix_bytes)
    # It runs on, so that the memory is not given back between the others.
    engine.submit(request("going", max_new_tokens=300))
    engine.step()
    for length in (3, 4, 5, 1):
        bad = GenerationRequest("bad", (1, 2, 3, 4, OVERFLOWS, 5, 6), SamplingParams())
        assert outcome_beside_others(engine, bad) == NOT_FINITE
        good = request("good", prompt=length, max_new_tokens=8)
        assert outcome_beside_others(engine, good) == run_alone(model, good)


def test_at_most_max_batch_run_together_in_order_of_arrival(gpt2: GPT2) -> None:
    engine = engine_of(gpt2, max_batch=2)
    for name in "abcd":
        engine.submit(request(name))
    ended: list[str] = []
    while not engine.idle:
        events = engine.step()
        assert len(engine._batch.running) <= 2
        ended += [event.request_id for event in events if isinstance(event, Ended)]
    assert ended == ["a", "b", "c", "d"]


def test_a_batch_size_of_zero_is_refused(gpt2: GPT2) -> None:
    with pytest.raises(ValueError, match="max_batch"):
        engine_of(gpt2, max_batch=0)


def test_a_step_reports_the_requested_number_of_candidates(gpt2: GPT2) -> None:
    engine = engine_of(gpt2)
    engine.submit(request("a", candidates=9))
    (event,) = engine.step()
    assert isinstance(event, Stepped)
    assert [c.rank for c in event.step.candidates] == list(range(1, 10))


def test_many_texts_together_are_those_written_alone(gpt2: GPT2) -> None:
    texts = [request(f"{n}", prompt=n + 1, seed=n, top_k=n % 3 * 5, temperature=n % 4 / 2) for n in range(20)]
    outcomes = run(engine_of(gpt2, max_batch=20), *texts)
    assert outcomes == {text.request_id: run_alone(gpt2, text) for text in texts}
