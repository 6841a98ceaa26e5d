"""What a bot learns of the replicas that write its texts: which holds a prefix, which to avoid."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

logger = logging.getLogger(__name__)

PREFIXES = 10_000  # that the bot remembers the replica of
AVOIDED = 30.0  # seconds for which one that broke, or is slow, gets texts only where no other has room
SLOW = 4.0  # times as long for a token as the others take, from which on a replica is slow
FAIR_SHARE = 0.3  # of a replica's pace that its newest texts make
RECENT = 120.0  # seconds for which it is compared with the others
MEASURED = 5.0  # seconds of a text from which its pace is known
MEASURED_STEPS = 8  # of a text that is shorter


@dataclass(eq=False)
class Replicas:
    """All by the names that they give themselves. ``clock`` is monotonic, in seconds."""

    clock: Callable[[], float] = time.monotonic
    _holders: OrderedDict[int, str] = field(default_factory=OrderedDict, init=False)  # by prefix
    _avoided: dict[str, float] = field(default_factory=dict, init=False)  # until then
    _paces: dict[str, tuple[float, float]] = field(
        default_factory=dict, init=False
    )  # seconds a step, and when

    @property
    def avoided(self) -> tuple[str, ...]:
        """Those that should get a text only where no other has room."""
        now = self.clock()
        self._avoided = {name: until for name, until in self._avoided.items() if now < until}
        return tuple(self._avoided)

    def holder(self, prefix: int) -> str:
        """The replica that has read ``prefix``; empty if none is known, or it is to be avoided."""
        name = self._holders.get(prefix, "")
        return "" if name in self.avoided else name

    def holds(self, prefix: int, replica: str) -> None:
        self._holders[prefix] = replica
        self._holders.move_to_end(prefix)
        if len(self._holders) > PREFIXES:
            self._holders.popitem(last=False)

    def forget(self) -> None:
        """Forget which has read what."""
        self._holders.clear()

    def broke(self, replica: str, reason: object) -> None:
        """Note that a text's stream from ``replica`` broke; log it, once while that is avoided."""
        if replica not in self.avoided:
            logger.warning("replica %s broke (%s); others go on with its texts", replica, reason)
        self._paces.pop(replica, None)
        self._avoid(replica)

    def pardon(self, replica: str) -> None:
        """Take back that it broke: something on the way to it did."""
        self._avoided.pop(replica, None)

    def wrote(self, replica: str, pace: float) -> None:
        """Note that ``replica`` took ``pace`` seconds a step; log it if others take much less."""
        now = self.clock()
        self._paces = {name: one for name, one in self._paces.items() if now - one[1] < RECENT}
        before, _ = self._paces.get(replica, (pace, now))
        own = before + FAIR_SHARE * (pace - before)
        self._paces[replica] = own, now
        others = [pace for name, (pace, _) in self._paces.items() if name != replica]
        if not others or own < SLOW * (usual := median(others)):
            return
        if replica not in self.avoided:
            logger.warning("replica %s is slow: %.2f s a token, others take %.2f s", replica, own, usual)
        self._avoid(replica)

    def _avoid(self, replica: str) -> None:
        self._avoided[replica] = self.clock() + AVOIDED


@dataclass(eq=False, slots=True)
class Stay:
    """A text while it is on a ``replica``: measures how fast it grows, for ``replicas``."""

    replicas: Replicas
    replica: str
    _since: float | None = None  # the step from which on is counted
    _steps: int = 0

    def step(self) -> None:
        """Note a step of the text."""
        now = self.replicas.clock()
        if self._since is None:
            self._since = now
            return
        self._steps += 1
        if now - self._since >= MEASURED:
            self.ended()
            self._since = now

    def ended(self) -> None:
        """Note that no step follows for now."""
        if self._since is None:
            return
        took = self.replicas.clock() - self._since
        if took >= MEASURED or self._steps >= MEASURED_STEPS:
            self.replicas.wrote(self.replica, took / max(1, self._steps))
        self._since, self._steps = None, 0
