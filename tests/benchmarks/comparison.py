"""Runs all programs in turn, for a number of rounds."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.errors import ModelUnusable
from tests.benchmarks import ours, peers
from tests.benchmarks.limits import UNLIMITED, Limited
from tests.benchmarks.workload import OURS, Figures, Precision, TooShort


@dataclass
class Comparison:
    """The figures of the programs ``names`` with one model; one that fails is left out from then on.

    ``results`` may already hold those of earlier rounds.
    """

    model: Path
    files: Path
    threads: int
    names: Sequence[str]
    limited: Limited = UNLIMITED
    results: dict[Precision, dict[str, list[Figures]]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    async def run(self, precisions: Sequence[Precision], rounds: int) -> None:
        for precision in precisions:
            figures = self.results.setdefault(precision, {})
            for name in self._named(precision):
                if not figures.setdefault(name, []):
                    await self._prepare(name, precision)
        earlier = max(
            (len(each) for figures in self.results.values() for each in figures.values()), default=0
        )
        for number in range(earlier, earlier + rounds):
            for precision in precisions:
                named = [name for name in self._named(precision) if name in self.results[precision]]
                for name in _rotated(named, number):
                    await self._measure(name, precision, number)

    def _named(self, precision: Precision) -> list[str]:
        return [name for name in self.names if precision in _precisions(name)]

    async def _prepare(self, name: str, precision: Precision) -> None:
        _log(f"preparing {name}, {precision} …")
        try:
            if name == OURS:
                await ours.prepare(self.model, self.threads, precision, self.limited)
            else:
                await peers.prepare(name, self.model, self.files, precision, self.threads, self.limited)
        except (peers.PeerFailed, ModelUnusable) as error:
            self._leave_out(name, precision, error)

    async def _measure(self, name: str, precision: Precision, number: int) -> None:
        try:
            if name == OURS:
                figures = await ours.figures(self.model, self.threads, precision, self.limited)
            else:
                figures = await peers.figures(
                    name, self.model, self.files, precision, self.threads, self.limited
                )
        except (peers.PeerFailed, TooShort, ModelUnusable) as error:
            self._leave_out(name, precision, error)
            return
        self.results[precision][name].append(figures)
        _log(f"round {number + 1}, {name}, {precision}: {figures}")

    def _leave_out(self, name: str, precision: Precision, error: Exception) -> None:
        del self.results[precision][name]
        self.failures.append(f"{name}, {precision}: {error}")
        _log(self.failures[-1])


def _precisions(name: str) -> Sequence[Precision]:
    return ours.PRECISIONS if name == OURS else peers.peer(name).PRECISIONS


def _rotated(names: list[str], number: int) -> list[str]:
    """``names`` rotated by ``number``, so that no program always follows the same other."""
    turn = number % max(1, len(names))
    return [*names[turn:], *names[:turn]]


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
