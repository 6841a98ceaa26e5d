"""Who waits while the model loads for the first time, in fair turns and within the limits.

    async with warm_up.place(asker, group) as updates:
        async for update in updates:      # Warming, until the model is ready
            …

What is admitted here is not refused once the model is ready: its askers carry that promise
(:attr:`bot.queue.limits.Asker.promised`). There are no tasks: each place is read in its asker's own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field

from bot.errors import ModelLoading, NotYours, QueueFull, ShuttingDown, Stopped, TokenwiseError
from bot.model.client.progress import loading_text
from bot.queue.fair_queue import FairQueue
from bot.queue.limits import Admission, Asker, Limits
from bot.queue.runner import Model
from bot.queue.scheduler import UNKNOWN_RETRY
from bot.queue.updates import Warming

REFRESH = 5.0  # seconds between two looks at how far the model has loaded


@dataclass(eq=False, slots=True)
class Place:
    """One request in line, or several that count as one. Only :class:`WarmUp` makes and changes it."""

    asker: Asker
    group: str
    requests: int
    due: float
    refusal: TokenwiseError | None = None  # why it will not be served
    moved: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def end(self, refusal: TokenwiseError | None = None) -> None:
        self.refusal = refusal
        self.moved.set()
        self.ended.set()


class WarmUp:
    """The line before a model that has yet to be ready.

    It has room for as many requests as the queue behind it. ``pace`` is the least number of seconds
    between two updates of a place; ``clock`` is monotonic, in seconds.
    """

    def __init__(
        self,
        model: Model,
        limits: Limits,
        admission: Admission,
        *,
        pace: float,
        clock: Callable[[], float],
        refresh: float = REFRESH,
    ) -> None:
        self._model = model
        self._room = limits.max_running + limits.max_waiting
        self._deadline = limits.deadline
        self._admission = admission
        self._pace = pace
        self._clock = clock
        self._refresh = refresh
        self._line: FairQueue[int, Place] = FairQueue()  # by person
        self._open = True
        self._over = False

    def __len__(self) -> int:
        """How many places are taken."""
        return len(self._line)

    @asynccontextmanager
    async def place(
        self, asker: Asker, group: str, *, requests: int = 1
    ) -> AsyncIterator[AsyncIterator[Warming]]:
        """Hold a place for ``requests`` that count as one ``group``, and follow it until the model is ready.

        Entering raises ShuttingDown, TooManyRequests, ServerBusy, TooSoon or QueueFull. The first update
        comes at once, none if the model is ready. Reading raises ModelLoading at the deadline, Stopped,
        ShuttingDown, or ModelUnusable if the model will never be ready.
        """
        self._check(asker, group, requests)
        place = Place(asker, group, requests, self._clock() - asker.age + self._deadline)
        self._admission.begin(asker, group)
        self._line.push(asker.person, place)
        self._changed()
        try:
            async with aclosing(self._updates(place)) as updates:
                yield updates
        finally:
            self._line.remove(asker.person, place)
            self._admission.end(asker, group)
            # A cooldown begins with what the model is asked, and it has yet to be asked.
            self._admission.forgive(asker, group)
            self._changed()

    def holds(self, group: str) -> bool:
        """Whether ``group`` has a place."""
        return any(place.group == group for place in self._line)

    def cancel(self, group: str, *, owner: int) -> bool:
        """End the place of ``group`` with Stopped; false if there is none, NotYours if somebody else's."""
        place = next((place for place in self._line if place.group == group), None)
        if place is None:
            return False
        if place.asker.person != owner:
            raise NotYours("stop")
        place.end(Stopped())
        return True

    def end(self) -> None:
        """Let all go on: it is known whether the model is ready."""
        self._over = True
        for place in self._line:
            place.end()

    def close(self) -> None:
        """Refuse new places with ShuttingDown, and end the others with it unless the model is known."""
        self._open = False
        if not self._over:
            for place in self._line:
                place.end(ShuttingDown())

    def _check(self, asker: Asker, group: str, requests: int) -> None:
        if not self._open:
            raise ShuttingDown
        self._admission.check(asker, group, dict)
        if sum(place.requests for place in self._line) + requests > self._room:
            raise QueueFull(waiting=len(self), retry_after=UNKNOWN_RETRY)

    def _changed(self) -> None:
        """Have every place look at its position: one that comes or goes may change them all."""
        for place in self._line:
            place.moved.set()

    async def _updates(self, place: Place) -> AsyncGenerator[Warming, None]:
        shown: Warming | None = None
        while not (self._over or place.refusal):
            latest = Warming(self._position(place), loading_text(self._model.loading))
            if latest != shown:
                shown = latest
                yield latest
                await self._wait(place, place.ended, self._pace)
            await self._wait(place, place.moved, self._refresh)
            place.moved.clear()
        if place.refusal is not None:
            raise place.refusal
        await self._model.wait_ready()  # raises if it never will be

    def _position(self, place: Place) -> int:
        """The place's number in line, from 1."""
        return next(number for number, other in enumerate(self._line, 1) if other is place)

    async def _wait(self, place: Place, event: asyncio.Event, seconds: float) -> None:
        """Wait for ``event``, at most so long; ModelLoading at the deadline."""
        left = place.due - self._clock()
        with suppress(TimeoutError):
            async with asyncio.timeout(min(seconds, left)):
                await event.wait()
        if not place.ended.is_set() and place.due <= self._clock():
            raise ModelLoading(loading_text(self._model.loading))
