"""A number of slots, and the fair line for them. Synchronous bookkeeping: no tasks, no waiting."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from itertools import takewhile
from typing import Generic, Protocol, TypeVar

from bot.errors import QueueFull
from bot.queue.eta import Forecast, Work
from bot.queue.fair_queue import FairQueue
from bot.queue.limits import Asker

SHORTEST_RETRY = 5.0  # seconds that people are asked to wait when the line is full, at least
UNKNOWN_RETRY = 15.0  # … and before any step was measured


class Waiting(Work, Hashable, Protocol):
    """Work that ``asker`` waits for; :meth:`moved` receives its position, None once it runs."""

    @property
    def asker(self) -> Asker: ...

    def moved(self, position: int | None) -> None: ...


Ticket = TypeVar("Ticket", bound=Waiting)


class Scheduler(Generic[Ticket]):
    """At most ``max_running`` tickets run and ``max_waiting`` wait; people take turns."""

    def __init__(self, *, max_running: int, max_waiting: int) -> None:
        self.forecast = Forecast(max_running)
        self.running: set[Ticket] = set()  # those without an outcome
        self._max_waiting = max_waiting
        self._taken = 0  # slots
        self._waiting: FairQueue[int, Ticket] = FairQueue()  # by person

    def __len__(self) -> int:
        """The number of waiting tickets."""
        return len(self._waiting)

    def __iter__(self) -> Iterator[Ticket]:
        """The waiting tickets, the next one first."""
        return iter(self._waiting)

    def resize(self, slots: int) -> None:
        """Let so many run from now on; those that run beyond it go on."""
        self.forecast.slots = slots

    @property
    def _free_slots(self) -> int:
        return max(0, self.forecast.slots - self._taken)

    def check(self, group: str, *, coming: int = 0) -> None:
        """Raise QueueFull if there is no place; it counts the waiting tickets of other groups.

        ``coming`` places are reserved: their holders were admitted and have yet to join.
        """
        if self._free_slots + self._max_waiting - len(self) > coming:
            return
        seconds = self.forecast.starts_in(self.running, ())
        retry_after = UNKNOWN_RETRY if seconds is None else max(SHORTEST_RETRY, seconds)
        waiting = coming + sum(other.group != group for other in self)
        raise QueueFull(waiting=waiting, retry_after=retry_after)

    def join(self, ticket: Ticket) -> None:
        self._waiting.push(ticket.asker.person, ticket)

    def start_next(self) -> list[Ticket]:
        """Start the next tickets in the free slots, and give the others their new positions."""
        started = []
        while self._free_slots and self._waiting:
            self._taken += 1
            ticket = self._waiting.pop()
            ticket.moved(None)
            self.running.add(ticket)
            started.append(ticket)
        for position, ticket in enumerate(self, 1):
            ticket.moved(position)
        return started

    def leave(self, ticket: Ticket) -> None:
        """Drop a ticket that has its outcome; its slot, if any, stays taken until :meth:`free_slot`."""
        if ticket in self.running:
            self.running.remove(ticket)
        else:
            self._waiting.remove(ticket.asker.person, ticket)

    def free_slot(self) -> None:
        self._taken -= 1

    def eta(self, ticket: Ticket) -> float | None:
        """Seconds until a waiting ticket starts; None if unknown."""
        return self.forecast.starts_in(self.running, takewhile(lambda other: other is not ticket, self))

    def ends(self) -> dict[str, float]:
        """Seconds until each group ends; empty if unknown."""
        return self.forecast.ends_in(list(self.running), list(self))
