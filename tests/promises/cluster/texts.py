"""Texts that are asked of a model service, and whether each came out as it should."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

from bot.errors import TokenwiseError
from bot.model.protocol import GenerationRequest, SamplingParams, Step, Stepped
from bot.model.remote.service import ModelService


@dataclass(eq=False, slots=True)
class Told:
    """What was told of a text: its ``steps``, and when; ``failure`` if it failed."""

    request: GenerationRequest
    steps: list[Step] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    ended: bool = False
    failure: TokenwiseError | None = None

    @property
    def longest_pause(self) -> float:
        """Seconds from one step to the next, at most."""
        return max((after - before for before, after in pairwise(self.times)), default=0.0)


def requests(count: int, steps: int, seed: int) -> list[GenerationRequest]:
    random = Random(seed)
    return [
        GenerationRequest(
            f"text {number}",
            tuple(random.randrange(50_000) for _ in range(random.randint(1, 40))),
            SamplingParams(max_new_tokens=steps, temperature=1.0, seed=number),
        )
        for number in range(count)
    ]


async def ask(model: ModelService, told: Told) -> None:
    """Follow a text to its end or failure."""
    told.times.append(time.monotonic())
    try:
        async for event in model.run(told.request):
            if isinstance(event, Stepped):
                told.steps.append(event.step)
                told.times.append(time.monotonic())
            else:
                told.ended = True
    except TokenwiseError as error:
        told.failure = error


async def ask_all(model: ModelService, asked: Sequence[GenerationRequest]) -> list[Told]:
    """Ask for all at once."""
    all_told = [Told(request) for request in asked]
    await asyncio.gather(*(ask(model, told) for told in all_told))
    return all_told


def differing(undisturbed: Sequence[Told], disturbed: Sequence[Told]) -> int:
    """How many steps were told differently, or not at all."""
    return sum(
        abs(len(first.steps) - len(second.steps))
        + sum(before != after for before, after in zip(first.steps, second.steps, strict=False))
        for first, second in zip(undisturbed, disturbed, strict=True)
    )
