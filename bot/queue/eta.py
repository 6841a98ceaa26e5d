"""When a request will start and end, estimated from how long recent steps took. Pure but for the average."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol


class Work(Protocol):
    """Something that takes a slot for some passes; its ``group`` ends with the last of its members."""

    @property
    def group(self) -> str: ...

    @property
    def passes_left(self) -> int: ...


@dataclass(slots=True)
class Average:
    """A moving average that forgets: the newest value counts a tenth."""

    value: float | None = None
    weight: float = 0.1

    def add(self, value: float) -> None:
        self.value = value if self.value is None else self.value + self.weight * (value - self.value)


@dataclass(slots=True)
class Forecast:
    """Estimates for ``slots`` pieces of work at once, in seconds from now.

    They are upper bounds: a text may end before its last token.
    """

    slots: int
    _step_seconds: Average = field(default_factory=Average)

    @property
    def pace(self) -> float | None:
        """Seconds a step takes; None, and so no estimates, before one was measured."""
        return self._step_seconds.value

    def measured(self, seconds: float) -> None:
        self._step_seconds.add(seconds)

    def starts_in(self, running: Iterable[Work], ahead: Iterable[Work]) -> float | None:
        """When a slot will be free after everything ``ahead``; None if unknown, or while there is no slot."""
        if (pace := self.pace) is None or not self.slots:
            return None
        return starts_in(_seconds(running, pace), _seconds(ahead, pace), self.slots)

    def ends_in(self, running: Sequence[Work], waiting: Sequence[Work]) -> dict[str, float]:
        """When the last request of each group will have ended."""
        if (pace := self.pace) is None or not self.slots:
            return {}
        ends = ends_in(_seconds(running, pace), _seconds(waiting, pace), self.slots)
        last: dict[str, float] = {}
        for work, end in zip((*running, *waiting), ends, strict=True):
            last[work.group] = max(end, last.get(work.group, 0.0))
        return last


def _seconds(work: Iterable[Work], pace: float) -> list[float]:
    return [pace * each.passes_left for each in work]


def starts_in(running: Sequence[float], ahead: Sequence[float], slots: int) -> float:
    """Seconds until a slot is free after everything ``ahead``.

    ``running`` holds the seconds left of what runs, more than ``slots`` of them if there were more slots when
    it began; ``ahead`` the seconds of what is served first, in order.
    """
    free = _free(running, slots)
    for seconds in ahead:
        heapq.heapreplace(free, free[0] + seconds)
    return free[0]


def ends_in(running: Sequence[float], waiting: Sequence[float], slots: int) -> list[float]:
    """Seconds until each ends: first what runs, then what waits, served in order."""
    free = _free(running, slots)
    ends = list(running)
    for seconds in waiting:
        ends.append(free[0] + seconds)
        heapq.heapreplace(free, ends[-1])
    return ends


def _free(running: Sequence[float], slots: int) -> list[float]:
    """When each slot will be free, as a heap: only the last to end leave their slot to others."""
    return [0.0] * (slots - len(running)) + sorted(running)[-slots:]
