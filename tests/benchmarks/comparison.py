"""Runs the worker side by side with each peer, for a number of rounds."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bot.errors import ModelUnusable
from tests.benchmarks import ours, peers
from tests.benchmarks.limits import UNLIMITED, Limited
from tests.benchmarks.workload import (
    OURS,
    OURS_IN_FLOAT32,
    Beside,
    Precision,
    Program,
    TooShort,
    begun,
    rotated,
    side_by_side,
)

Results = dict[Precision, dict[str, list[Beside]]]


@dataclass
class Comparison:
    """The worker beside each of the programs ``names``, with one model.

    One that fails is left out from then on. ``results`` may already hold those of earlier rounds.
    """

    model: Path
    files: Path
    threads: int
    names: Sequence[str]
    limited: Limited = UNLIMITED
    results: Results = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    async def run(self, precisions: Sequence[Precision], rounds: int) -> None:
        for precision in precisions:
            found = self.results.setdefault(precision, {})
            for name in self._named(precision):
                found.setdefault(name, [])
                await self._prepare(name, precision)
        earlier = max((len(each) for found in self.results.values() for each in found.values()), default=0)
        for number in range(earlier, earlier + rounds):
            for precision in precisions:
                named = [name for name in self._named(precision) if name in self.results[precision]]
                for name in rotated(named, number):
                    await self._measure(name, precision, number)

    def _named(self, precision: Precision) -> list[str]:
        return [name for name in self.names if precision in _precisions(name)]

    async def _prepare(self, name: str, precision: Precision) -> None:
        _log(f"preparing {name}, {precision} …")
        try:
            await ours.prepare(self.model, self.threads, precision, self.limited)
            if name == OURS_IN_FLOAT32:
                await ours.prepare(self.model, self.threads, "float32", self.limited)
            else:
                await peers.prepare(name, self.model, self.files, precision, self.threads, self.limited)
        except (peers.PeerFailed, ModelUnusable) as error:
            self._leave_out(name, precision, error)

    async def _measure(self, name: str, precision: Precision, number: int) -> None:
        both = [self._started(OURS, precision), self._started(name, precision)]
        try:
            async with AsyncExitStack() as stack:
                # One after the other, so that neither loads while the other does.
                ready = [await begun(await stack.enter_async_context(one)) for one in rotated(both, number)]
                figures = await side_by_side(ready, self.threads)
        except (peers.PeerFailed, TooShort, ModelUnusable) as error:
            self._leave_out(name, precision, error)
            return
        own, other = rotated(figures, number)
        self.results[precision][name].append(Beside(own, other))
        _log(f"round {number + 1}, {precision}:\n  {OURS} {own}\n  {name} {other}")

    def _started(self, name: str, precision: Precision) -> AbstractAsyncContextManager[Program]:
        if name in (OURS, OURS_IN_FLOAT32):
            own: Precision = "float32" if name == OURS_IN_FLOAT32 else precision
            return ours.started(self.model, self.threads, own, self.limited)
        return peers.started(name, self.model, self.files, precision, self.threads, self.limited)

    def _leave_out(self, name: str, precision: Precision, error: Exception) -> None:
        del self.results[precision][name]
        self.failures.append(f"{name}, {precision}: {error}")
        _log(self.failures[-1])


def _precisions(name: str) -> Sequence[Precision]:
    return ours.OTHER_PRECISIONS if name == OURS_IN_FLOAT32 else peers.peer(name).PRECISIONS


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
