"""Running an engine as the worker does, without the worker."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any

import torch
from torch import Tensor

from bot.model.gpt2.kv_cache import KVCache
from bot.model.gpt2.packed import Packed
from bot.model.gpt2.transformer import GPT2, Chunk
from bot.model.kernels.jit import Kernels
from bot.model.kernels.processor import Processor, this_processor
from bot.model.protocol import Ended, GenerationRequest, Rejected, SamplingParams, Step, Stepped
from bot.model.worker.engine import Engine, Event
from bot.model.worker.sampling_kernels import SamplingKernels, sampling_module
from tests.support.elsewhere.kernels import Compile

NO_END = -1


@dataclass
class Outcome:
    """All events of an engine for one request."""

    steps: list[Step] = field(default_factory=list)
    ending: str | None = None

    @property
    def ids(self) -> list[int]:
        return [step.chosen.token_id for step in self.steps]


class Recorded(GPT2):
    """A model that records the number of rows of each sequence in each pass."""

    def __init__(self, packed: Packed, kernels: Kernels, processor: Processor) -> None:
        super().__init__(packed, kernels, processor)
        self.passes: list[list[int]] = []

    def forward(self, chunks: Sequence[Chunk]) -> list[Tensor]:
        self.passes.append([len(chunk.ids) for chunk in chunks])
        return super().forward(chunks)


@cache
def sampling_kernels() -> SamplingKernels:
    """Kernels for every engine: to compile them takes longer than most tests."""
    return sampling_kernels_for(this_processor())


def sampling_kernels_for(processor: Processor, compile_for: Compile = Kernels.compiled) -> SamplingKernels:
    return SamplingKernels(compile_for(sampling_module(), processor))


def engine_of(model: GPT2, *, end_of_text: int = NO_END, max_batch: int = 8, prefix_bytes: int = 0) -> Engine:
    return Engine(
        model, sampling_kernels(), ends=(end_of_text,), max_batch=max_batch, prefix_bytes=prefix_bytes
    )


def request(name: str, prompt: int = 3, **params: float) -> GenerationRequest:
    """A request with ``prompt`` ids for six tokens, unless ``params`` say otherwise."""
    settings: dict[str, Any] = {"max_new_tokens": 6, **params}
    return GenerationRequest(name, tuple(n % 211 for n in range(1, prompt + 1)), SamplingParams(**settings))


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def new_cache(model: GPT2) -> KVCache:
    """A cache in a store of its own."""
    return model.new_store(1).new_cache()


def every_row(cache: KVCache, ids: Sequence[int]) -> Chunk:
    """A chunk of ``ids`` that returns the output of every row."""
    return Chunk(cache, ids, wanted=len(ids))


def some_ids(count: int, *, seed: int = 0, vocabulary: int = 211) -> list[int]:
    random = seeded(seed)
    return [random.randrange(vocabulary) for _ in range(count)]


def collect(events: Iterable[Event], outcomes: dict[str, Outcome]) -> None:
    for event in events:
        outcome = outcomes.setdefault(event.request_id, Outcome())
        match event:
            case Stepped(_, index, step):
                assert index == len(outcome.steps)
                outcome.steps.append(step)
            case Ended(_, reason):
                outcome.ending = reason
            case Rejected(_, detail):
                outcome.ending = f"rejected: {detail}"


def run(engine: Engine, *requests: GenerationRequest) -> dict[str, Outcome]:
    """The outcomes of ``requests`` submitted together, by request id."""
    outcomes: dict[str, Outcome] = {}
    for request in requests:
        engine.submit(request)
    while not engine.idle:
        collect(engine.step(), outcomes)
    return outcomes


def run_alone(model: GPT2, request: GenerationRequest, *, end_of_text: int = NO_END) -> Outcome:
    return run(engine_of(model, end_of_text=end_of_text), request)[request.request_id]


def seeded(seed: int) -> Random:
    """A random number generator with this seed."""
    return Random(seed)


def random_request(random: Random, name: str, *, vocabulary: int, longest: int = 300) -> GenerationRequest:
    """A request with random settings; most prompts are short, some longer than a prefill chunk."""
    length = random.choice([1, 2, 5, 17, random.randint(1, longest)])
    return GenerationRequest(
        name,
        tuple(random.randrange(vocabulary) for _ in range(length)),
        SamplingParams(
            max_new_tokens=random.randint(1, 20),
            temperature=random.choice([0.0, 0.3, 0.9, 1.0, 1.7]),
            top_k=random.choice([0, 1, 5, 50]),
            top_p=random.choice([0.4, 0.95, 1.0]),
            seed=random.choice([0, 1, 2**32 - 1, random.randrange(2**32)]),
        ),
    )
