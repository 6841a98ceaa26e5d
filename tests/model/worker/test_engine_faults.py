"""A failing step rejects only the culprit; the other texts change by no bit."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from msgspec.structs import replace
from torch import Tensor

from bot.model.gpt2 import kv_cache
from bot.model.gpt2.packed import Packed
from bot.model.gpt2.transformer import GPT2, Chunk
from bot.model.kernels.jit import Kernels
from bot.model.kernels.processor import Processor
from bot.model.protocol import GenerationRequest, Step
from bot.model.worker import choosing
from bot.model.worker import engine as engine_module
from bot.model.worker.report import Choice, report
from bot.model.worker.sampling import Sampler
from bot.model.worker.sampling_kernels import SamplingKernels
from tests.model.conftest import parts_of, random_model
from tests.support.driving import Outcome, engine_of, request, run, run_alone

# Compiling a model takes a second.
pytestmark = pytest.mark.slow

HATED = 207  # an id that only the culprit has in its prompt
LACKS = "rejected: RuntimeError: memory lacks"

NEIGHBOURS = [request("b", prompt=5, seed=1), request("c", prompt=30, seed=2, max_new_tokens=9)]


class Faulty(GPT2):
    """Cannot compute ``HATED``, nor the passes whose numbers are in ``bad``."""

    def __init__(self, packed: Packed, kernels: Kernels, processor: Processor) -> None:
        super().__init__(packed, kernels, processor)
        self.bad: set[int] = set()
        self.passes = 0

    def forward(self, chunks: Sequence[Chunk]) -> list[Tensor]:
        self.passes += 1
        if self.passes in self.bad or any(HATED in chunk.ids for chunk in chunks):
            raise RuntimeError("memory lacks")
        return super().forward(chunks)


@pytest.fixture
def faulty() -> Faulty:
    return Faulty(*parts_of(random_model()))


@pytest.fixture(scope="module")
def undisturbed(gpt2: GPT2) -> dict[str, Outcome]:
    return {request.request_id: run_alone(gpt2, request) for request in NEIGHBOURS}


def culprit() -> GenerationRequest:
    return replace(request("a"), prompt_ids=(1, HATED, 2))


def test_a_pass_that_fails_for_one_request_rejects_only_that_one(
    faulty: Faulty, undisturbed: dict[str, Outcome]
) -> None:
    outcomes = run(engine_of(faulty), NEIGHBOURS[0], culprit(), NEIGHBOURS[1])
    assert outcomes.pop("a") == Outcome([], LACKS)
    assert outcomes == undisturbed


def test_a_request_that_fails_alone_is_rejected_and_the_next_one_served(
    faulty: Faulty, undisturbed: dict[str, Outcome]
) -> None:
    engine = engine_of(faulty)
    assert run(engine, culprit())["a"].ending == LACKS
    assert run(engine, *NEIGHBOURS) == undisturbed
    assert not engine._batch._store._used or engine.step() == []


@pytest.mark.parametrize("number", [1, 2, 3, 6])
def test_a_pass_that_fails_together_but_not_alone_rejects_no_request(
    faulty: Faulty, undisturbed: dict[str, Outcome], number: int
) -> None:
    faulty.bad = {number}
    assert run(engine_of(faulty, prefix_bytes=2**20), *NEIGHBOURS) == undisturbed


def test_a_pass_that_fails_makes_room_before_the_second_try(faulty: Faulty) -> None:
    engine = engine_of(faulty, prefix_bytes=2**20)
    run(engine, NEIGHBOURS[0])
    engine.step()
    assert len(engine._batch.prefixes)
    faulty.bad = {faulty.passes + 1}
    engine.submit(request("d", prompt=2))
    engine.step()
    assert len(engine._batch.prefixes) == 0


def test_a_pass_that_fails_for_every_request_blames_none(faulty: Faulty) -> None:
    faulty.bad = set(range(100))
    engine = engine_of(faulty)
    for neighbour in NEIGHBOURS:
        engine.submit(neighbour)
    with pytest.raises(RuntimeError, match="memory lacks"):
        engine.step()


def test_a_report_that_fails_rejects_its_request_alone(
    gpt2: GPT2, undisturbed: dict[str, Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    def picky(logits: Tensor, choices: Sequence[Choice], kernels: SamplingKernels) -> list[Step]:
        if any(choice.candidates == 7 for choice in choices):
            raise RuntimeError("memory lacks")
        return report(logits, choices, kernels)

    monkeypatch.setattr(choosing, "report", picky)
    outcomes = run(engine_of(gpt2), request("a", candidates=7), *NEIGHBOURS)
    assert outcomes.pop("a") == Outcome([], LACKS)
    assert outcomes == undisturbed


@pytest.mark.parametrize("part", ["noise", "skip", "__init__"])
def test_a_sampler_that_fails_rejects_its_request_alone(
    gpt2: GPT2, undisturbed: dict[str, Outcome], monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    real = getattr(Sampler, part)

    def failing(self: Sampler, *args: object, **options: object) -> object:
        params = args[0] if part == "__init__" else self.params
        if getattr(params, "seed", None) == 666:
            raise RuntimeError("memory lacks")
        return real(self, *args, **options)

    monkeypatch.setattr(Sampler, part, failing)
    bad = replace(request("a", seed=666), generated=2)
    outcomes = run(engine_of(gpt2), NEIGHBOURS[0], bad, NEIGHBOURS[1])
    assert outcomes.pop("a") == Outcome([], LACKS)
    assert outcomes == undisturbed


def test_a_score_that_fails_rejects_its_request_alone(
    gpt2: GPT2, undisturbed: dict[str, Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    def picky(logits: Tensor, choices: Sequence[Choice], kernels: SamplingKernels) -> list[Step]:
        if len(choices) == 49:
            raise RuntimeError("memory lacks")
        return report(logits, choices, kernels)

    monkeypatch.setattr(engine_module, "report", picky)
    outcomes = run(engine_of(gpt2), replace(request("a", prompt=50), scored=True), *NEIGHBOURS)
    assert outcomes.pop("a") == Outcome([], LACKS)
    assert outcomes == undisturbed


def test_without_memory_for_prefixes_everything_is_computed_again(
    gpt2: GPT2, undisturbed: dict[str, Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(shape: Sequence[int], dtype: torch.dtype) -> Tensor:
        raise OSError(12, "Cannot allocate memory")

    engine = engine_of(gpt2, prefix_bytes=2**20)
    engine._batch._store._kept = 0
    monkeypatch.setattr(kv_cache, "untouched", refused)
    for _ in range(2):
        assert run(engine, *NEIGHBOURS) == undisturbed
    assert len(engine._batch.prefixes) == 0
