from __future__ import annotations

import gc
import json
import subprocess
import sys
import weakref
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from transformers import GPT2LMHeadModel

from bot.model import sampling
from bot.model.gpt2 import GPT2, PREFILL_CHUNK
from bot.model.protocol import Ended, GenerationRequest, Rejected, SamplingParams, Step, Stepped
from tests.model.conftest import random_model
from tests.model.driving import Outcome, collect, engine_of, random_request, run, run_alone, seeded

ROOT = Path(__file__).parents[2]


def request(name: str, prompt: int = 3, **params: float) -> GenerationRequest:
    settings = {"max_new_tokens": 6, **params}
    return GenerationRequest(name, tuple(i % 211 for i in range(1, prompt + 1)), SamplingParams(**settings))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def model(folder: Path) -> GPT2:
    """The model of ``folder``, as a worker would run it."""
    return GPT2(GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float32))


@pytest.fixture(scope="module")
def generated(folder: Path, model: GPT2) -> list[tuple[GenerationRequest, list[int]]]:
    """Fifty requests of all settings, with the texts of ``generate``."""
    random = seeded(1)
    longest = min(300, model.context - 20)
    requests = [random_request(random, str(n), vocabulary=50256, longest=longest) for n in range(50)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.model.generate_reference", str(folder)],
        input=json.dumps([(r.prompt_ids, asdict(r.params)) for r in requests]),
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    return list(zip(requests, json.loads(done.stdout), strict=True))


def test_fifty_texts_are_those_of_generate(
    model: GPT2, generated: list[tuple[GenerationRequest, list[int]]]
) -> None:
    outcomes = run(engine_of(model, end_of_text=50256), *(request for request, _ in generated))
    expected = {request.request_id: ids for request, ids in generated}
    assert {name: outcome.ids for name, outcome in outcomes.items()} == expected


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1))
def test_a_request_is_the_same_to_the_bit_whatever_joins_leaves_and_fails_beside_it(
    gpt2: GPT2, seed: int
) -> None:
    random = seeded(seed)
    requests = [random_request(random, f"r{n}", vocabulary=211) for n in range(random.randint(2, 9))]
    engine = engine_of(gpt2, max_batch=random.choice([2, 4, 8]))
    outcomes: dict[str, Outcome] = {}
    aborted: set[str] = set()
    pending = list(requests)
    while pending or not engine.idle:
        if pending and random.random() < 0.4:
            engine.submit(pending.pop())
        if random.random() < 0.05:
            engine.submit(GenerationRequest("bad", (), SamplingParams()))
        if random.random() < 0.05:
            name = random.choice(requests).request_id
            aborted.add(name)
            engine.abort(name)
        collect(engine.step(), outcomes)
    for r in requests:
        alone = run_alone(gpt2, r)
        together = outcomes[r.request_id]
        if together.ending == "cancelled":
            assert r.request_id in aborted
            assert together.steps == alone.steps[: len(together.steps)]
        else:
            assert together == alone


def test_a_model_on_disk_says_the_same_alone_and_among_seven_others(model: GPT2) -> None:
    random = seeded(3)
    longest = min(300, model.context - 20)
    requests = [random_request(random, str(n), vocabulary=50257, longest=longest) for n in range(8)]
    together = run(engine_of(model), *requests)
    for r in requests:
        assert together[r.request_id] == run_alone(model, r)


def test_without_packed_weights_neighbours_do_not_matter_either() -> None:
    model = GPT2(random_model(), packed=False)
    random = seeded(4)
    requests = [random_request(random, str(n), vocabulary=211) for n in range(4)]
    together = run(engine_of(model), *requests)
    for r in requests:
        assert together[r.request_id] == run_alone(model, r)


@pytest.mark.parametrize("seed", range(5))
def test_a_continued_text_goes_on_as_one_longer_request(model: GPT2, seed: int) -> None:
    whole = request("whole", max_new_tokens=12, seed=seed)
    first = replace(whole, params=replace(whole.params, max_new_tokens=5))
    ids = run_alone(model, first).ids
    rest = GenerationRequest(
        "rest",
        whole.prompt_ids + tuple(ids),
        replace(whole.params, max_new_tokens=7, skip_draws=5),
    )
    assert ids + run_alone(model, rest).ids == run_alone(model, whole).ids


def test_a_long_skip_of_draws_does_not_hold_up_the_others(gpt2: GPT2) -> None:
    engine = engine_of(gpt2)
    engine.submit(request("going", max_new_tokens=20))
    engine.step()
    engine.submit(request("skipping", skip_draws=2000))
    for _ in range(5):
        assert [e.request_id for e in engine.step()] == ["going"]


def test_an_aborted_request_ends_as_cancelled_and_frees_its_cache_at_once(gpt2: GPT2) -> None:
    engine = engine_of(gpt2)
    engine.submit(request("a", max_new_tokens=100))
    engine.step()
    cache = weakref.ref(engine._running[0].cache)
    engine.abort("a")
    gc.collect()
    assert cache() is None
    assert engine.step() == [Ended("a", "cancelled")]
    assert engine.idle


def test_a_waiting_request_can_be_aborted(gpt2: GPT2) -> None:
    engine = engine_of(gpt2)
    engine.submit(request("a"))
    engine.abort("a")
    assert not engine.idle
    assert engine.step() == [Ended("a", "cancelled")]


def test_aborting_what_is_unknown_or_over_says_nothing(gpt2: GPT2) -> None:
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
        (request("good"), "already in progress"),
    ],
    ids=["empty", "too long", "unknown id", "negative id", "bad setting", "duplicate"],
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
    real: Callable[[sampling.Sampler, Tensor], Step] = sampling.Sampler.step

    def step(self: sampling.Sampler, logits: Tensor) -> Step:
        if self._params.seed == 13:
            raise RuntimeError("broken")
        return real(self, logits)

    monkeypatch.setattr(sampling.Sampler, "step", step)
    outcomes = run(engine_of(gpt2), request("bad", seed=13), request("good"))
    assert outcomes["bad"] == Outcome([], "rejected: RuntimeError: broken")
    assert outcomes["good"] == expected


def test_a_long_prompt_delays_the_others_by_one_chunk_a_step(gpt2: GPT2) -> None:
    engine = engine_of(gpt2)
    engine.submit(request("short", max_new_tokens=30))
    engine.step()
    engine.submit(request("long", prompt=2 * PREFILL_CHUNK + 1))
    chunks = 3
    for n in range(1, chunks + 1):
        events = engine.step()
        expected = ["short", "long"] if n == chunks else ["short"]
        assert [event.request_id for event in events] == expected


def test_no_more_than_max_batch_run_together_and_the_first_to_come_goes_first(gpt2: GPT2) -> None:
    engine = engine_of(gpt2, max_batch=2)
    for name in "abcd":
        engine.submit(request(name))
    ended: list[str] = []
    while not engine.idle:
        events = engine.step()
        assert len(engine._running) <= 2
        ended += [event.request_id for event in events if isinstance(event, Ended)]
    assert ended == ["a", "b", "c", "d"]


def test_a_batch_of_none_is_refused(gpt2: GPT2) -> None:
    with pytest.raises(ValueError, match="max_batch"):
        engine_of(gpt2, max_batch=0)


def test_a_step_reports_as_many_candidates_as_were_asked_for(gpt2: GPT2) -> None:
    engine = engine_of(gpt2)
    engine.submit(request("a", candidates=9))
    (event,) = engine.step()
    assert isinstance(event, Stepped)
    assert [c.rank for c in event.step.candidates] == list(range(1, 10))
