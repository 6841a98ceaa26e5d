"""Short work that is done a few pieces at a time: who may have some done, who is next, and until when.

    async with turns.place(asker) as place:      # admitted, or refused at once
        …
        answer = await turns.take(place, work)   # once it is this place's turn

What waits takes turns as requests do before the model (:mod:`bot.queue.scheduler`), within the
same limits of people and of servers (:mod:`bot.queue.limits`), which are counted apart.
There are no tasks: each piece is waited for, and done, in the task of who asked for it.
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
from bot.queue.limits import Admission, Asker
from bot.queue.scheduler import Line

Result = TypeVar("Result")


@dataclass(eq=False, slots=True)
class Place:
    """What one person has done for them. Only :class:`Turns` makes and changes it."""

    asker: Asker
    group: str
    due: float
    passes_left: int = 1  # all pieces are taken to be equally long
    is_next: asyncio.Event = field(default_factory=asyncio.Event)
    scope: asyncio.Timeout | None = None  # around its waiting and its work

    def moved(self, position: int | None) -> None:
        if position is None:
            self.is_next.set()


class Turns:
    """At most ``slots`` pieces of work are done at once, and ``places`` wait for that.

    One person has at most ``per_person`` of both, one server ``per_server``. Each has
    ``deadline`` seconds from when its interaction was made. ``clock`` is GenerationQueue's.
    ``refused`` counts what was not admitted, by the name of the error that said so.
    """

    def __init__(
        self,
        *,
        slots: int,
        places: int,
        per_person: int,
        per_server: int | None,
        deadline: float,
        clock: Callable[[], float] = time.monotonic,
        refused: Counter[str] | None = None,
    ) -> None:
        self.refused = Counter[str]() if refused is None else refused
        self._line: Line[Place] = Line(slots=slots, places=places)
        self._admission = Admission(
            per_person=per_person,
            per_server=per_server,
            person_cooldown=0.0,
            server_cooldown=0.0,
            clock=clock,
            stoppable=False,
        )
        self._deadline = deadline
        self._clock = clock
        self._places: set[Place] = set()
        self._admitted = 0
        self._open = True
        self._ended = False

    def check(self, asker: Asker) -> None:
        """Raise what :meth:`place` would now."""
        self._check(asker, self._next_group)

    @asynccontextmanager
    async def place(self, asker: Asker, *, promised: bool = False) -> AsyncIterator[Place]:
        """A place for one piece of work, whose turn is asked for by :meth:`take`.

        Entering raises ShuttingDown, TooManyRequests, ServerBusy or QueueFull. What is
        ``promised`` is the end of something that was admitted before: it waits for its
        turn as well, but is refused only once all has come to its end.
        """
        group = self._next_group
        if not promised:
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
        """What the work returns or raises, begun once it is the place's turn.

        Raises DeadlineExceeded, or ShuttingDown after :meth:`end`. What ends before
        its turn, also by being cancelled, is not begun.
        """
        self._check_time(place)
        place.is_next.clear()
        self._line.join(place)
        try:
            async with asyncio.timeout(place.due - self._clock()) as place.scope:
                self._advance()
                await place.is_next.wait()
                self._check_time(place)
                began = self._clock()
                result = await work()
                self._line.forecast.measured(self._clock() - began)
                return result
        except TimeoutError:
            if place.scope is not None and place.scope.expired():
                raise self._ending() from None
            raise
        finally:
            place.scope = None
            self._leave(place)

    def close(self) -> None:
        """Refuse what comes from now on with ShuttingDown; what was admitted or promised goes on."""
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
            self._admission.check(asker, group, self._line.ends)
            in_line = len(self._line) + len(self._line.running)
            self._line.check(group, coming=len(self._places) - in_line)
        except UnavailableError as error:
            self.refused[type(error).__name__] += 1
            raise

    def _check_time(self, place: Place) -> None:
        if self._ended or place.due <= self._clock():
            raise self._ending()

    def _ending(self) -> UnavailableError:
        return ShuttingDown() if self._ended else DeadlineExceeded(seconds=self._deadline)

    def _leave(self, place: Place) -> None:
        had_a_slot = place in self._line.running
        self._line.leave(place)
        if had_a_slot:
            self._line.freed()
        self._advance()

    def _advance(self) -> None:
        """Give free slots to who is next."""
        if not self._ended:
            self._line.started()
