"""Who may ask now: how much at once, and how soon again. Synchronous bookkeeping.

:class:`Admission` checks people and servers, each by their own :class:`Usage`. Whether
there is room in the line, the scheduler decides.
"""

from __future__ import annotations

import math
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from bot import errors

Ends = Callable[[], Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may run and wait at once, and for how long.

    Requests in the model (``max_running``) and in line (``max_waiting``); in both together,
    of one person (``per_person``) and of one server (``per_server``, None for no limit).
    In seconds: ``deadline`` for everything asked in one interaction, counted from when the
    interaction was made; the cooldowns between two admissions.
    """

    max_running: int
    max_waiting: int
    per_person: int
    deadline: float
    per_server: int | None = None
    person_cooldown: float = 0.0
    server_cooldown: float = 0.0

    def one_at_a_time(self) -> Limits:
        """The same limits for short work, which needs no cooldown."""
        return replace(self, max_running=1, person_cooldown=0.0, server_cooldown=0.0)


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, on which server, and how many seconds ago their interaction was made.

    ``server`` is None in direct messages, which have no limit of their own. ``age`` gives
    everything asked in one interaction a single deadline: Discord takes answers for only
    15 minutes. What is ``promised`` was admitted while the model loaded: no limit refuses it.
    """

    person: int
    server: int | None
    age: float = 0.0
    promised: bool = False


class Admission:
    """Applies the limits of people and of servers.

    Requests of one ``group`` count as one, which ends with the last of them. ``stoppable``
    says whether people can stop theirs. ``clock`` is monotonic, in seconds.
    """

    def __init__(self, limits: Limits, *, clock: Callable[[], float], stoppable: bool = True) -> None:
        self._stoppable = stoppable
        self._people = Usage(limits.per_person, limits.person_cooldown)
        self._servers = Usage(limits.per_server, limits.server_cooldown)
        self._clock = clock

    def check(self, asker: Asker, group: str, ends: Ends) -> None:
        """Raise TooManyRequests, ServerBusy or TooSoon if this may not begin now.

        ``ends`` gives the seconds until each group in progress ends, where they are known.
        """
        if blocking := self._people.blocking(asker.person, group):
            retry_after = _first(blocking, ends())
            raise errors.TooManyRequests(
                limit=len(blocking), retry_after=retry_after, stoppable=self._stoppable
            )
        if asker.server is not None and (blocking := self._servers.blocking(asker.server, group)):
            raise errors.ServerBusy(limit=len(blocking), retry_after=_first(blocking, ends()))
        self._check_cooldown(self._people, asker.person, group, of_server=False)
        if asker.server is not None:
            self._check_cooldown(self._servers, asker.server, group, of_server=True)

    def begin(self, asker: Asker, group: str) -> None:
        now = self._clock()
        self._people.begin(asker.person, group, now)
        if asker.server is not None:
            self._servers.begin(asker.server, group, now)

    def end(self, asker: Asker, group: str) -> None:
        """Record that a request which began has its outcome."""
        self._people.end(asker.person, group)
        if asker.server is not None:
            self._servers.end(asker.server, group)

    def forgive(self, asker: Asker, group: str) -> None:
        """Start no cooldown for the group: it was not served, through no fault of the asker."""
        self._people.forgive(asker.person, group)
        if asker.server is not None:
            self._servers.forgive(asker.server, group)

    def _check_cooldown(self, usage: Usage, who: int, group: str, *, of_server: bool) -> None:
        if (wait := usage.wait(who, group, self._clock())) > 0:
            raise errors.TooSoon(cooldown=usage.cooldown, retry_after=wait, of_server=of_server)


class Usage:
    """What each person, or each server, has in progress, and when each last began something.

    The latter is kept for ``cooldown`` seconds. ``limit`` is None for no limit.
    """

    def __init__(self, limit: int | None, cooldown: float) -> None:
        self.cooldown = cooldown
        self._limit = limit
        self._groups: dict[int, Counter[str]] = {}
        self._began: OrderedDict[int, tuple[float, str]] = OrderedDict()  # oldest first

    def __len__(self) -> int:
        """How many people, or servers, anything is known about."""
        return len(self._groups.keys() | self._began.keys())

    def blocking(self, who: int, group: str) -> tuple[str, ...]:
        """The groups in the way: one must end before ``group`` may begin. Empty if it may begin now."""
        groups = self._groups.get(who, Counter())
        if self._limit is None or group in groups or len(groups) < self._limit:
            return ()
        return tuple(groups)

    def wait(self, who: int, group: str, now: float) -> float:
        """Seconds until ``group`` may begin; 0 or less if it may now."""
        began, latest = self._began.get(who, (-math.inf, ""))
        return 0.0 if latest == group else began + self.cooldown - now

    def begin(self, who: int, group: str, now: float) -> None:
        self._groups.setdefault(who, Counter())[group] += 1
        while self._began and next(iter(self._began.values()))[0] <= now - self.cooldown:
            self._began.popitem(last=False)
        if self.cooldown and self._began.get(who, (now, ""))[1] != group:
            self._began[who] = now, group
            self._began.move_to_end(who)

    def end(self, who: int, group: str) -> None:
        groups = self._groups[who]
        groups[group] -= 1
        if not groups[group]:
            del groups[group]
        if not groups:
            del self._groups[who]

    def forgive(self, who: int, group: str) -> None:
        if self._began.get(who, (0.0, ""))[1] == group:
            del self._began[who]


def _first(groups: Iterable[str], ends: Mapping[str, float]) -> float | None:
    """Seconds until the first of ``groups`` ends; None if unknown."""
    return min((ends[group] for group in groups if group in ends), default=None)
