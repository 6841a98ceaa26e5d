"""Short work, a few pieces at a time: who may ask for some, who is next, and until when.

    async with turns.place(asker) as place:      # admitted, or refused at once
        …
        answer = await turns.take(place, work)   # once it is this place's turn

Places take turns as requests do before the model (:mod:`bot.queue.scheduler`), under the same
limits (:mod:`bot.queue.limits`), counted separately. There are no tasks: each piece is awaited,
and done, in its asker's own.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from bot.errors import DeadlineExceeded, ShuttingDown, UnavailableError
from bot.queue.limits import Admission, Asker, Limits
from bot.queue.scheduler import Scheduler

Result = TypeVar("Result")


@dataclass(eq=False, slots=True)
class Place:
    """One admitted piece of work. Only :class:`Turns` makes and changes it."""

    asker: Asker
    group: str
    due: float
    passes_left: int = 1  # every piece is assumed to take equally long
    is_next: asyncio.Event = field(default_factory=asyncio.Event)
    scope: asyncio.Timeout | None = None  # around its wait and its work

    def moved(self, position: int | None) -> None:
        if position is None:
            self.is_next.set()


class Turns:
    """Short work in fair turns, within ``limits``; it knows no cooldowns.

    ``clock`` is that of GenerationQueue. ``refused`` counts what was not admitted, by the
    name of the error.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        clock: Callable[[], float] = time.monotonic,
        refused: Counter[str] | None = None,
    ) -> None:
        self.refused = Counter[str]() if refused is None else refused
        self._scheduler: Scheduler[Place] = Scheduler(
            max_running=limits.max_running, max_waiting=limits.max_waiting
        )
        self._admission = Admission(limits, clock=clock, stoppable=False)
        self._deadline = limits.deadline
        self._clock = clock
        self._places: set[Place] = set()
        self._admitted = 0
        self._open = True
        self._ended = False

    def check(self, asker: Asker) -> None:
        """Raise what :meth:`place` would raise now."""
        if not asker.promised:
            self._check(asker, self._next_group)

    @asynccontextmanager
    async def place(self, asker: Asker, *, promised: bool = False) -> AsyncIterator[Place]:
        """A place for one piece of work, done by :meth:`take`.

        Entering raises ShuttingDown, TooManyRequests, ServerBusy or QueueFull. ``promised``
        work, or that of a promised asker, completes something admitted before: it waits for its
        turn, too, but only :meth:`end` refuses it.
        """
        group = self._next_group
        if not (promised or asker.promised):
            self._check(asker, group)
        elif self._ended:
            raise ShuttingDown
        self._admitted += 1
        place = Place(asker, group, self._clock() - asker.age + self._deadline)
        self._admission.begin(asker, group)
        self._places.add(place)
        try:
            yield place
        finally:
            self._places.remove(place)
            self._admission.end(asker, group)

    async def take(self, place: Place, work: Callable[[], Awaitable[Result]]) -> Result:
        """Begin the work when it is the place's turn, and return or raise what it does.

        Raises DeadlineExceeded, or ShuttingDown after :meth:`end`. Work that ends, or is
        cancelled, before its turn never begins.
        """
        self._check_time(place)
        place.is_next.clear()
        self._scheduler.join(place)
        try:
            async with asyncio.timeout(place.due - self._clock()) as place.scope:
                self._advance()
                await place.is_next.wait()
                self._check_time(place)
                began = self._clock()
                result = await work()
                self._scheduler.forecast.measured(self._clock() - began)
                return result
        except TimeoutError:
            if place.scope is not None and place.scope.expired():
                raise self._ending() from None
            raise
        finally:
            place.scope = None
            self._leave(place)

    def close(self) -> None:
        """Refuse new work with ShuttingDown; admitted and promised work goes on."""
        self._open = False

    def end(self) -> None:
        """End everything with ShuttingDown."""
        self._open = False
        self._ended = True
        for place in self._places:
            if place.scope is not None:
                place.scope.reschedule(0)

    @property
    def _next_group(self) -> str:
        return str(self._admitted)

    def _check(self, asker: Asker, group: str) -> None:
        try:
            if not self._open:
                raise ShuttingDown
            self._admission.check(asker, group, self._scheduler.ends)
            in_line = len(self._scheduler) + len(self._scheduler.running)
            self._scheduler.check(group, coming=len(self._places) - in_line)
        except UnavailableError as error:
            self.refused[type(error).__name__] += 1
            raise

    def _check_time(self, place: Place) -> None:
        if self._ended or place.due <= self._clock():
            raise self._ending()

    def _ending(self) -> UnavailableError:
        return ShuttingDown() if self._ended else DeadlineExceeded(seconds=self._deadline)

    def _leave(self, place: Place) -> None:
        had_a_slot = place in self._scheduler.running
        self._scheduler.leave(place)
        if had_a_slot:
            self._scheduler.free_slot()
        self._advance()

    def _advance(self) -> None:
        """Give free slots to the next places."""
        if not self._ended:
            self._scheduler.start_next()
