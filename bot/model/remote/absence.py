"""How long a model service has been away: when to say so again, and when to give it up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

SAID_AGAIN = 60.0  # seconds until the log says again that the service is away; doubled each time
AT_LEAST_EVERY = 1_800.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long to wait, in seconds: while nobody is there, and while what is there is not ready."""

    nobody: float
    unready: float


@dataclass(eq=False, slots=True)
class Absence:
    """From the first failed look at the service to the next successful one, in seconds of ``clock``."""

    clock: Callable[[], float]
    is_there: bool = False  # somebody answers, or at least takes the connection
    _since: float | None = None
    _alone_since: float | None = None  # since when nobody has been there
    _say_at: float = 0.0
    _pause: float = SAID_AGAIN

    @property
    def seconds(self) -> float:
        return 0.0 if self._since is None else self.clock() - self._since

    @property
    def alone(self) -> float:
        """For how long nobody has been there."""
        return 0.0 if self._alone_since is None else self.clock() - self._alone_since

    def lasts(self, *, is_there: bool) -> bool:
        """Note a failed look; whether the log should say so: at first, on a change, and ever more seldom."""
        now = self.clock()
        is_news = self._since is None or is_there != self.is_there
        self._since = now if self._since is None else self._since
        self.is_there = is_there
        if is_there:
            self._alone_since = None
        elif self._alone_since is None:
            self._alone_since = now
        if is_news:
            self._pause = SAID_AGAIN
        elif now < self._say_at:
            return False
        else:
            self._pause = min(AT_LEAST_EVERY, 2 * self._pause)
        self._say_at = now + self._pause
        return True

    def ends(self) -> None:
        """Note that the service is there."""
        self._since = self._alone_since = None

    def exceeds(self, bounds: Bounds) -> bool:
        """Whether it has lasted too long."""
        return self.alone >= bounds.nobody or self.seconds >= bounds.unready
