"""When to try again, and when to give up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

LONGEST_PAUSE = 2.0  # seconds between two attempts at a text


@dataclass(eq=False, slots=True)
class Patience:
    """For one text: ``pause`` before the second attempt, doubled with each further one; then ``seconds``
    in which no attempt got further. All in seconds of ``clock``."""

    pause: float
    seconds: float
    clock: Callable[[], float]
    _next: float | None = None
    _failing_since: float | None = None

    def got_further(self) -> None:
        self._next = self._failing_since = None

    def waited(self) -> None:
        """Note that the text only waits for its turn."""
        self._failing_since = None

    def lost(self) -> bool:
        """Note that an attempt failed; whether it was one too many."""
        now = self.clock()
        if self._failing_since is None:
            self._failing_since = now
        return now - self._failing_since >= self.seconds

    def next_pause(self) -> float:
        """Seconds to the next attempt."""
        pause = self.pause if self._next is None else self._next
        self._next = min(LONGEST_PAUSE, 2 * pause)
        return pause
