"""Needles among neighbours in a real worker process that is killed in between."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from random import Random

from bot.model.client.process import ModelProcess
from bot.model.protocol import GenerationRequest, Step, Stepped
from tests.benchmarks.crowd import Findings, compared
from tests.benchmarks.needles import Limits, Needle, random_neighbour

TOGETHER = 12
NEIGHBOURS_EACH = 1
LEAVES_EARLY = 0.3


@dataclass
class Worker:
    """A worker that is killed after each number of steps in ``kills``.

    No request is running at two deaths: after the second one it would be run alone.
    """

    model: ModelProcess
    random: Random
    kills: list[int]
    restarts: int = 0
    _said: int = 0
    _running: set[str] = field(default_factory=set)
    _survivors: set[str] = field(default_factory=set)

    async def steps(self, request: GenerationRequest, at_most: int) -> list[Step]:
        """The steps of ``request``, aborted after ``at_most`` of them."""
        steps: list[Step] = []
        self._running.add(request.request_id)
        async with aclosing(self.model.run(request)) as events:
            async for event in events:
                if isinstance(event, Stepped):
                    steps.append(event.step)
                    self._heard()
                if len(steps) == at_most:
                    break
        self._running.remove(request.request_id)
        return steps

    def _heard(self) -> None:
        self._said += 1
        due = bool(self.kills) and self._said >= self.kills[0]
        if due and self.model.pid is not None and not self._survivors & self._running:
            self._survivors = set(self._running)
            self.kills.pop(0)
            os.kill(self.model.pid, signal.SIGKILL)
            self.restarts += 1


@dataclass(frozen=True, slots=True)
class Restarted:
    """The worker's steps compared with the needles' own, and how often it was killed."""

    findings: Findings
    restarts: int
    fingerprint: str


async def through_restarts(
    command: Sequence[str], needles: Sequence[Needle], random: Random, limits: Limits, *, kills: int
) -> Restarted:
    """Run all ``needles`` in a worker, each with a neighbour, and kill it ``kills`` times."""
    expected = sum(len(needle.alone) for needle in needles)
    async with ModelProcess(command, name="the model") as model:
        info = await model.wait_ready()
        worker = Worker(model, random, [expected * (n + 1) // (kills + 1) for n in range(kills)])
        places = asyncio.Semaphore(TOGETHER)
        asked = [_needle(worker, needle, places, f"needle {n}") for n, needle in enumerate(needles)]
        beside = [
            _neighbour(worker, random_neighbour(random, f"neighbour {n}", limits, needle), places)
            for n, needle in enumerate(list(needles) * NEIGHBOURS_EACH)
        ]
        both = asked + beside
        random.shuffle(both)
        found = await asyncio.gather(*both)
    return Restarted(sum(found, Findings()), worker.restarts, str(info.fingerprint))


async def _needle(worker: Worker, needle: Needle, places: asyncio.Semaphore, name: str) -> Findings:
    async with places:
        request = needle.part(name, 0, needle.request.params.max_new_tokens)
        steps = await worker.steps(request, request.params.max_new_tokens)
    return compared(needle.alone, steps, f"{request} through a worker")


async def _neighbour(worker: Worker, request: GenerationRequest, places: asyncio.Semaphore) -> Findings:
    async with places:
        at_most = request.params.max_new_tokens
        if worker.random.random() < LEAVES_EARLY:
            at_most = worker.random.randint(1, at_most)
        await worker.steps(request, at_most)
    return Findings()
