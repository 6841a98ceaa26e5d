"""So many slots, of the model above all, and the fair line before them. No tasks, no waiting."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from itertools import takewhile
from typing import Generic, Protocol, TypeVar

from bot.errors import QueueFull
from bot.queue.eta import Forecast, Work
from bot.queue.fair_queue import WaitingLine
from bot.queue.limits import Asker

SHORTEST_RETRY = 5.0  # seconds a full line tells people to wait, at least
UNKNOWN_RETRY = 15.0  # and before anything was measured


class Waiting(Work, Hashable, Protocol):
    """What ``asker`` waits for; :meth:`moved` tells its position, None once it runs."""

    @property
    def asker(self) -> Asker: ...

    def moved(self, position: int | None) -> None: ...


Ticket = TypeVar("Ticket", bound=Waiting)


class Line(Generic[Ticket]):
    """At most ``slots`` tickets run and ``places`` wait; people take turns."""

    def __init__(self, *, slots: int, places: int) -> None:
        self.forecast = Forecast(slots)
        self.running: set[Ticket] = set()  # those without an outcome
        self._places = places
        self._free_slots = slots
        self._waiting: WaitingLine[int, Ticket] = WaitingLine()  # by person

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def __iter__(self) -> Iterator[Ticket]:
        """Who waits, the next one first."""
        return iter(self._waiting)

    def check(self, group: str, *, coming: int = 0) -> None:
        """Raise QueueFull, with how many of other groups wait, if there is no place.

        ``coming`` are those to be kept for who was let in and has not joined yet.
        """
        if self._free_slots + self._places - len(self) > coming:
            return
        seconds = self.forecast.starts_in(self.running, ())
        retry_after = UNKNOWN_RETRY if seconds is None else max(SHORTEST_RETRY, seconds)
        waiting = coming + sum(other.group != group for other in self)
        raise QueueFull(waiting=waiting, retry_after=retry_after)

    def join(self, ticket: Ticket) -> None:
        self._waiting.push(ticket.asker.person, ticket)

    def started(self) -> list[Ticket]:
        """Give the free slots to who is next; everybody else is told their position."""
        started = []
        while self._free_slots and self._waiting:
            self._free_slots -= 1
            ticket = self._waiting.pop()
            ticket.moved(None)
            self.running.add(ticket)
            started.append(ticket)
        for position, ticket in enumerate(self, 1):
            ticket.moved(position)
        return started

    def leave(self, ticket: Ticket) -> None:
        """A ticket has its outcome; if it has a slot, that is taken until it is :meth:`freed`."""
        if ticket in self.running:
            self.running.remove(ticket)
        else:
            self._waiting.remove(ticket.asker.person, ticket)

    def freed(self) -> None:
        self._free_slots += 1

    def eta(self, ticket: Ticket) -> float | None:
        """Seconds until a waiting ticket starts, where that is known."""
        return self.forecast.starts_in(self.running, takewhile(lambda other: other is not ticket, self))

    def ends(self) -> dict[str, float]:
        """Seconds until each group has ended, where that is known."""
        return self.forecast.ends_in(list(self.running), list(self))
