"""A request's steps are its own, to the bit; and its tokens are those of ``generate``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict, replace
from transformers import GPT2LMHeadModel

from bot.model.gpt2.transformer import GPT2
from bot.model.protocol import GenerationRequest, SamplingParams
from tests.model.conftest import gpt2_of
from tests.support.driving import Outcome, collect, engine_of, random_request, request, run, run_alone, seeded

# Compiling a model takes a second.
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def model(folder: Path) -> GPT2:
    """The model of ``folder``, as a worker would run it."""
    return gpt2_of(GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float32))


@pytest.fixture(scope="module")
def generated(folder: Path, model: GPT2) -> list[tuple[GenerationRequest, list[int]]]:
    """Fifty requests of all settings, with the texts of ``generate``."""
    random = seeded(1)
    longest = min(300, model.context - 20)
    requests = [random_request(random, str(n), vocabulary=50256, longest=longest) for n in range(50)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.generate_reference", str(folder)],
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
    engine = engine_of(model, end_of_text=50256, prefix_bytes=10**8)
    outcomes = run(engine, *(request for request, _ in generated))
    expected = {request.request_id: ids for request, ids in generated}
    assert {name: outcome.ids for name, outcome in outcomes.items()} == expected


@settings(max_examples=10)
@given(seed=st.integers(0, 2**32 - 1))
def test_requests_that_join_leave_or_fail_change_no_bit_of_another(precise: GPT2, seed: int) -> None:
    random = seeded(seed)
    requests = [random_request(random, f"r{n}", vocabulary=211) for n in range(random.randint(2, 9))]
    engine = engine_of(precise, max_batch=random.choice([2, 4, 8]), prefix_bytes=random.choice([0, 10**5]))
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
        alone = run_alone(precise, r)
        together = outcomes[r.request_id]
        if together.ending == "cancelled":
            assert r.request_id in aborted
            assert together.steps == alone.steps[: len(together.steps)]
        else:
            assert together == alone


def test_a_model_on_disk_writes_the_same_alone_and_among_seven_others(model: GPT2) -> None:
    random = seeded(3)
    longest = min(300, model.context - 20)
    requests = [random_request(random, str(n), vocabulary=50257, longest=longest) for n in range(8)]
    together = run(engine_of(model), *requests)
    for r in requests:
        assert together[r.request_id] == run_alone(model, r)


def in_two_parts(whole: GenerationRequest, ids: list[int], count: int) -> tuple[GenerationRequest, ...]:
    """``whole`` cut to ``count`` tokens, and the request for the rest of ``ids``."""
    params = replace(whole.params, max_new_tokens=count)
    rest = replace(whole.params, max_new_tokens=whole.params.max_new_tokens - count)
    begun = replace(whole, request_id="first", params=params)
    prompt = (*whole.prompt_ids, *ids[:count])
    return begun, GenerationRequest("rest", prompt, rest, generated=count)


@settings(max_examples=10)
@given(
    prompt=st.integers(1, 100),
    new=st.integers(2, 60),
    seed=st.integers(0, 2**32 - 1),
    temperature=st.sampled_from([0.0, 0.9, 1.5]),
    prefix_bytes=st.sampled_from([0, 10**6]),
    data=st.data(),
)
def test_a_continued_text_is_identical_to_one_longer_request(
    precise: GPT2,
    prompt: int,
    new: int,
    seed: int,
    temperature: float,
    prefix_bytes: int,
    data: st.DataObject,
) -> None:
    whole = request("whole", prompt, max_new_tokens=new, seed=seed, temperature=temperature)
    expected = run_alone(precise, whole)
    first, rest = in_two_parts(whole, expected.ids, data.draw(st.integers(1, new - 1)))
    engine = engine_of(precise, prefix_bytes=prefix_bytes)
    steps = run(engine, first)["first"].steps + run(engine, rest)["rest"].steps
    assert steps == expected.steps


@pytest.mark.parametrize("seed", range(3))
def test_a_model_on_disk_continues_a_text_like_one_longer_request(model: GPT2, seed: int) -> None:
    whole = request("whole", 40, max_new_tokens=12, seed=seed)
    expected = run_alone(model, whole)
    first, rest = in_two_parts(whole, expected.ids, 5)
    assert run_alone(model, first).steps + run_alone(model, rest).steps == expected.steps
