"""One admitted request: the queue writes its state, one reader iterates over its updates."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

from bot.logs import NO_REQUEST
from bot.model.protocol import FinishReason, GenerationRequest, Step
from bot.queue.limits import Asker
from bot.queue.updates import Completion, Finished, Outcome, Progress, Queued, Update


@dataclass(eq=False, slots=True)
class Ticket:
    """A request and its state. Iterating yields the state at once, then every change.

    Updates are at least ``pace`` seconds apart, so a reader that shows them never has to
    wait; only the end comes at once. The queue calls :meth:`moved`, :meth:`stepped` and,
    exactly once, :meth:`settled`. Only one reader may iterate.

    ``admitted_at`` and ``due`` are on the queue's clock. ``asked_by`` is the interaction,
    for the log. ``eta`` gives the seconds until a waiting ticket starts.
    """

    request: GenerationRequest
    asker: Asker
    group: str
    admitted_at: float
    due: float
    eta: Callable[[Ticket], float | None]
    pace: float = 0.0
    asked_by: str = NO_REQUEST

    steps: list[Step] = field(default_factory=list, init=False)
    position: int | None = field(default=None, init=False)  # None once it runs
    started_at: float | None = field(default=None, init=False)
    stepped_at: float = field(default=0.0, init=False)
    outcome: Outcome | None = field(default=None, init=False)
    scope: asyncio.Timeout | None = field(default=None, init=False)  # around the runner's work for it
    is_forgotten: bool = field(default=False, init=False)  # the model drops its prefix once it has ended

    _position_read: int | None = field(default=None, init=False)
    _steps_read: int = field(default=-1, init=False)  # running, even before the first step, is news
    _over: bool = field(default=False, init=False)
    _news: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _end: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _quiet_until: float = field(default=0.0, init=False)  # on the event loop's clock

    @property
    def passes_left(self) -> int:
        """The most forward passes it can still take."""
        return self.request.passes(self.request.steps - len(self.steps))

    def moved(self, position: int | None) -> None:
        """Take a new place in line; None once it runs."""
        if position != self.position:
            self.position = position
            self._news.set()

    def started(self, now: float) -> None:
        self.started_at = self.stepped_at = now

    def stepped(self, step: Step, now: float) -> None:
        self.steps.append(step)
        self.stepped_at = now
        self._news.set()

    def finished(self, reason: FinishReason, now: float) -> Finished:
        """The outcome if it ended now, with the steps so far."""
        seconds = 0.0 if self.started_at is None else now - self.started_at
        return Finished(Completion(tuple(self.steps), reason), seconds)

    def settled(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self._news.set()
        self._end.set()

    async def ended(self) -> None:
        """Return once it has an outcome."""
        await self._end.wait()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Update:
        now = asyncio.get_running_loop().time
        while not self._over:
            if self.outcome is None and (pause := self._quiet_until - now()) > 0:
                with suppress(TimeoutError):
                    # Not wait_for: that makes a task, and may swallow a cancellation.
                    async with asyncio.timeout(pause):
                        await self._end.wait()
            elif (update := self._next()) is not None:
                self._quiet_until = now() + self.pace
                return update
            else:
                self._news.clear()
                await self._news.wait()
        raise StopAsyncIteration

    def _next(self) -> Update | None:
        """The next update, if there is one. Steps that came before a failure are shown before it."""
        if isinstance(self.outcome, Finished):
            self._over = True
            return self.outcome
        if self._steps_read < len(self.steps) and (self.steps or self._is_running):
            self._steps_read = len(self.steps)
            return Progress(tuple(self.steps))
        if self.outcome is not None:
            self._over = True
            raise self.outcome
        if self.position is not None and self.position != self._position_read:
            self._position_read = self.position
            return Queued(self.position, self.eta(self))
        return None

    @property
    def _is_running(self) -> bool:
        return self.position is None and self.outcome is None
