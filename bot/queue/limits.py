"""Who may ask now: how much at once, and how soon again. No tasks, no waiting.

:class:`Admission` keeps the accounts of everybody, :class:`Account` those of people,
or of servers. What may be refused for want of room, the queue itself decides.
"""

from __future__ import annotations

import math
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from bot import errors

Ends = Callable[[], Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, on which server, and how many seconds ago their interaction was made.

    ``server`` is None in direct messages, which have no limit of their own. By ``age``
    all that is asked for one interaction has one deadline: it can be answered for 15
    minutes only.
    """

    person: int
    server: int | None
    age: float = 0.0


class Admission:
    """The limits of people and of servers. ``clock`` gives seconds and never goes back.

    Requests of one ``group`` count as one, which ends with the last of them. ``stoppable``
    says whether people can end theirs.
    """

    def __init__(
        self,
        *,
        per_person: int,
        per_server: int | None,
        person_cooldown: float,
        server_cooldown: float,
        clock: Callable[[], float],
        stoppable: bool = True,
    ) -> None:
        self._stoppable = stoppable
        self._people = Account(per_person, person_cooldown)
        self._servers = Account(per_server, server_cooldown)
        self._clock = clock

    def check(self, asker: Asker, group: str, ends: Ends) -> None:
        """Raise TooManyRequests, ServerBusy or TooSoon if this may not begin now.

        ``ends`` says in how many seconds a group in progress is over, where that is known.
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
        """A request that began has an outcome."""
        self._people.end(asker.person, group)
        if asker.server is not None:
            self._servers.end(asker.server, group)

    def forgive(self, asker: Asker, group: str) -> None:
        """Let the group not have begun, for the cooldowns: nobody was served, and it was not their fault."""
        self._people.forgive(asker.person, group)
        if asker.server is not None:
            self._servers.forgive(asker.server, group)

    def _check_cooldown(self, account: Account, who: int, group: str, *, of_server: bool) -> None:
        if (wait := account.wait(who, group, self._clock())) > 0:
            raise errors.TooSoon(cooldown=account.cooldown, retry_after=wait, of_server=of_server)


class Account:
    """What each of many has in progress, and when each last began something.

    That is kept for ``cooldown`` seconds, of those alone who began something in them.
    ``limit`` is None where there is none.
    """

    def __init__(self, limit: int | None, cooldown: float) -> None:
        self.cooldown = cooldown
        self._limit = limit
        self._groups: dict[int, Counter[str]] = {}
        self._began: OrderedDict[int, tuple[float, str]] = OrderedDict()  # the oldest first

    def __len__(self) -> int:
        """How many it knows something of."""
        return len(self._groups.keys() | self._began.keys())

    def blocking(self, who: int, group: str) -> tuple[str, ...]:
        """The groups one of which has to end before ``group`` may begin; none if it may now."""
        groups = self._groups.get(who, Counter())
        if self._limit is None or group in groups or len(groups) < self._limit:
            return ()
        return tuple(groups)

    def wait(self, who: int, group: str, now: float) -> float:
        """Seconds until ``group`` may begin; at most 0 if it may now."""
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
    """Seconds until the first of ``groups`` ends; None if that is not known."""
    return min((ends[group] for group in groups if group in ends), default=None)
