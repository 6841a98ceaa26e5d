"""What somebody who asked for a completion gets to see of it.

A :class:`Ticket` is one admitted request: the queue writes its state, one reader
iterates over it and gets an :data:`Update` whenever there is news.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

from bot.errors import DeadlineExceeded, TokenwiseError, UnavailableError, Withheld
from bot.logs import NO_REQUEST
from bot.model.protocol import FinishReason, GenerationRequest, Step
from bot.queue.limits import Asker


@dataclass(frozen=True, slots=True)
class Completion:
    """What the model said, token by token."""

    steps: tuple[Step, ...]
    finish_reason: FinishReason

    @property
    def token_ids(self) -> tuple[int, ...]:
        return token_ids(self.steps)


def token_ids(steps: Iterable[Step]) -> tuple[int, ...]:
    """What was chosen, step by step."""
    return tuple(step.chosen.token_id for step in steps)


@dataclass(frozen=True, slots=True)
class Queued:
    """Waiting. ``position`` 1 is next; ``eta`` is in seconds until it begins,
    None before anything was measured."""

    position: int
    eta: float | None


@dataclass(frozen=True, slots=True)
class Progress:
    """Running, with all steps so far; none at first."""

    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Finished:
    """Over. ``seconds`` is how long it ran, without the waiting."""

    completion: Completion
    seconds: float


Update = Queued | Progress | Finished
Outcome = Finished | TokenwiseError
News = Update | UnavailableError | Withheld  # what is last known of a request; an error is an end, too


def is_over(news: News) -> bool:
    return isinstance(news, (Finished, UnavailableError, Withheld))


@dataclass(frozen=True, slots=True)
class Load:
    """What the model has to do now.

    ``pace`` is how many seconds a text lately took for a token, None before one was written.
    """

    running: int
    waiting: int
    pace: float | None


@dataclass(slots=True)
class Accounts:
    """Every admitted request since the start, by its outcome.

    ``failed`` counts those that a shutdown ended, too. What is missing to
    ``admitted`` is still in progress. ``refused`` were not admitted, by the name
    of the error that said so. ``tokens`` were written for all of them.
    """

    admitted: int = 0
    finished: int = 0
    cancelled: int = 0
    expired: int = 0
    failed: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    tokens: int = 0

    def refuse(self, error: TokenwiseError) -> None:
        self.refused[type(error).__name__] += 1

    def count(self, outcome: Outcome) -> None:
        match outcome:
            case Finished(Completion(_, "cancelled")):
                self.cancelled += 1
            case Finished():
                self.finished += 1
            case DeadlineExceeded():
                self.expired += 1
            case _:
                self.failed += 1


@dataclass(eq=False, slots=True)
class Ticket:
    """An admitted request. Iterating yields its state at once, then whenever there is news.

    Between two updates lie at least ``pace`` seconds, so that whoever shows them
    need not wait; only the end comes at once. The queue calls :meth:`moved`,
    :meth:`stepped` and, exactly once, :meth:`settled`. There is one reader.
    """

    request: GenerationRequest
    asker: Asker
    group: str
    due: float  # on the queue's clock
    eta: Callable[[Ticket], float | None]
    pace: float = 0.0
    admitted_at: float = 0.0
    asked_by: str = NO_REQUEST  # the interaction, for the log
    steps: list[Step] = field(default_factory=list)
    position: int | None = None  # None once it runs
    started_at: float | None = None
    stepped_at: float = 0.0
    outcome: Outcome | None = None
    scope: asyncio.Timeout | None = None  # around what a runner does for it
    is_forgotten: bool = False  # once it has ended, the model is to keep nothing of it

    _position_read: int | None = None
    _steps_read: int = -1  # that it runs, before the first step, is news
    _over: bool = False
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _end: asyncio.Event = field(default_factory=asyncio.Event)
    _quiet_until: float = 0.0  # on the event loop's clock

    def moved(self, position: int | None) -> None:
        if position != self.position:
            self.position = position
            self._news.set()

    @property
    def passes_left(self) -> int:
        """How many passes of the model it may still take."""
        return self.request.passes(self.request.steps - len(self.steps))

    @property
    def _runs(self) -> bool:
        return self.position is None and self.outcome is None

    def stepped(self, step: Step, now: float) -> None:
        self.steps.append(step)
        self.stepped_at = now
        self._news.set()

    def finished(self, reason: FinishReason, now: float) -> Finished:
        """That it is over now, with what there is."""
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
        """The news, if any. Steps that came before a failure are shown before it."""
        if isinstance(self.outcome, Finished):
            self._over = True
            return self.outcome
        if self._steps_read < len(self.steps) and (self.steps or self._runs):
            self._steps_read = len(self.steps)
            return Progress(tuple(self.steps))
        if self.outcome is not None:
            self._over = True
            raise self.outcome
        if self.position is not None and self.position != self._position_read:
            self._position_read = self.position
            return Queued(self.position, self.eta(self))
        return None
