"""How fast the model wrote over the last minutes."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from bot.queue.updates import Speed

WINDOW = 300.0  # seconds
_SLICE = 10.0


@dataclass(slots=True)
class _Slice:
    """What was written in slice number ``number`` of the clock's time."""

    number: int
    tokens: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class RecentSpeed:
    """Sums up the tokens of the last WINDOW seconds in slices, so it stays small however many there are."""

    _slices: deque[_Slice] = field(default_factory=deque)

    def add(self, now: float, seconds: float) -> None:
        """Count a token that took its text ``seconds`` and was written at ``now``."""
        number = int(now // _SLICE)
        if not self._slices or self._slices[-1].number != number:
            self._slices.append(_Slice(number))
            self._forget(now)
        self._slices[-1].tokens += 1
        self._slices[-1].seconds += seconds

    def read(self, now: float) -> Speed | None:
        """Return the speed up to ``now``; None if nothing was written."""
        self._forget(now)
        seconds = sum(one.seconds for one in self._slices)
        return Speed(sum(one.tokens for one in self._slices), seconds) if seconds > 0 else None

    def _forget(self, now: float) -> None:
        while self._slices and (self._slices[0].number + 1) * _SLICE <= now - WINDOW:
            self._slices.popleft()
