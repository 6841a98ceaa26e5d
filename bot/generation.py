"""The queue before the model: who may ask, who is next, and what they see.

    async with GenerationQueue(model, …) as queue:
        async with queue.stream(request, owner=user_id) as updates:
            async for update in updates:
                …  # Queued …, Progress …, Finished

A request is admitted or refused at once. It waits in a fair line for one of
``max_running`` slots, runs in the model, and has exactly one outcome, which
:meth:`GenerationQueue._settle` alone decides: finished, cancelled, expired or
failed. Whatever else holds the request is then told to let go of it.

**Tasks.** All are made in ``__aenter__``: one runner a slot, which reads the
model's steps, and one that watches the deadlines. A stream is read in the task
of whoever reads it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import aclosing, asynccontextmanager
from itertools import takewhile
from types import TracebackType
from typing import Protocol, Self

from bot import errors
from bot.fairness import Average, WaitingLine, starts_in
from bot.model.protocol import Alike, Ended, FinishReason, GenerationRequest, Loading, ModelInfo, Stepped
from bot.model.wording import loading_text
from bot.updates import (
    Accounts,
    Audience,
    Completion,
    Finished,
    Load,
    Outcome,
    Progress,
    Queued,
    Ticket,
    Update,
)

__all__ = ["Accounts", "Completion", "Finished", "GenerationQueue", "Model", "Progress", "Queued", "Update"]

logger = logging.getLogger(__name__)

SHORTEST_RETRY = 5.0  # seconds a full queue tells people to wait, at least
UNKNOWN_RETRY = 15.0  # and before anything was measured


class Model(Protocol):
    """What the queue needs of :class:`bot.model.process.ModelProcess`."""

    @property
    def info(self) -> ModelInfo | None: ...

    @property
    def loading(self) -> Loading | None: ...

    def run(self, request: GenerationRequest) -> AsyncGenerator[Stepped | Ended, None]: ...

    async def similar(self, token_id: int, count: int) -> tuple[Alike, ...]: ...


class GenerationQueue:
    """Admission, fairness, streaming, cancelling, deadlines. Enter it to open.

    At most ``max_running`` requests are in the model and ``max_waiting`` before
    it; one owner has at most ``per_owner`` in both. ``deadline`` is in seconds
    from admission to the end, ``pace`` the least between two updates of a stream.
    ``clock`` gives seconds and never goes back.
    """

    def __init__(
        self,
        model: Model,
        *,
        max_waiting: int,
        max_running: int,
        per_owner: int,
        deadline: float,
        pace: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.accounts = Accounts()
        self._model = model
        self._max_waiting = max_waiting
        self._max_running = max_running
        self._per_owner = per_owner
        self._deadline = deadline
        self._pace = pace
        self._clock = clock
        self._open = False
        self._tickets: dict[str, Ticket] = {}  # all without an outcome yet
        self._line: WaitingLine[int, Ticket] = WaitingLine()
        self._free_slots = max_running
        self._started: asyncio.Queue[Ticket] = asyncio.Queue()  # from the line to a runner
        self._admitted: asyncio.Queue[Ticket] = asyncio.Queue()  # for the deadlines
        self._step_seconds = Average()
        self._tasks: list[asyncio.Task[None]] = []
        self._audience = Audience()

    @property
    def model(self) -> ModelInfo:
        """The loaded model; raises ModelLoading before it was ready once."""
        info = self._model.info
        if info is None:
            raise errors.ModelLoading(loading_text(self._model.loading))
        return info

    @property
    def load(self) -> Load:
        return Load(len(self._tickets) - len(self._line), len(self._line), self._step_seconds.value)

    async def __aenter__(self) -> Self:
        runners = [self._run_slot() for _ in range(self._max_running)]
        self._tasks = [asyncio.create_task(work) for work in (self._expire(), *runners)]
        self._open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close(patience=0.0)
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)

    async def close(self, *, patience: float) -> None:
        """Refuse what comes and end what is there with ShuttingDown.

        Returns once every stream was left, so that everybody has been told, or
        after ``patience`` seconds.
        """
        self._open = False
        for ticket in list(self._tickets.values()):
            self._settle(ticket, errors.ShuttingDown())
        await self._audience.left(patience)

    @asynccontextmanager
    async def stream(
        self, request: GenerationRequest, *, owner: int, group: str | None = None
    ) -> AsyncIterator[AsyncIterator[Update]]:
        """Ask for a completion and follow it.

        An owner's requests of one ``group`` count as one against ``per_owner``.

        Entering admits or raises: ShuttingDown, ModelLoading before the model
        was ready for the first time, TooManyRequests, QueueFull, ValueError for
        an id that is in progress. That the prompt fits the context is the
        caller's to check.

        The first update comes at once. They are Queued whenever the position
        changed, Progress with the newest state, Finished once, then they end;
        or they raise GenerationFailed, DeadlineExceeded or ShuttingDown.
        Leaving early takes the request out of the line or aborts it.
        """
        ticket = self._admit(request, owner, group or request.request_id)
        with self._audience:
            try:
                yield ticket
            finally:
                self._settle(ticket, self._finished(ticket, "cancelled"))

    def cancel(self, request_id: str, *, owner: int) -> None:
        """Stop a request: its stream finishes as cancelled, with the steps so far.

        Raises NotRunning if it is not in progress, NotYours if it is another's.
        """
        ticket = self._tickets.get(request_id)
        if ticket is None:
            raise errors.NotRunning
        if ticket.owner != owner:
            raise errors.NotYours("stop")
        self._settle(ticket, self._finished(ticket, "cancelled"))

    async def similar(self, token_id: int, count: int) -> tuple[Alike, ...]:
        """The tokens most like this one to the model; it takes no turn, for it takes a moment.

        Raises ModelLoading, QueueFull, GenerationFailed or ShuttingDown.
        """
        if not self._open:
            raise errors.ShuttingDown
        return await self._model.similar(token_id, count)

    def _admit(self, request: GenerationRequest, owner: int, group: str) -> Ticket:
        if not self._open:
            raise errors.ShuttingDown
        _ = self.model  # loaded, or this raises
        if request.request_id in self._tickets:
            raise ValueError(f"request {request.request_id} is already in progress")
        groups = {ticket.group for ticket in self._tickets.values() if ticket.owner == owner}
        if len(groups | {group}) > self._per_owner:
            raise errors.TooManyRequests(limit=self._per_owner)
        if not self._free_slots and len(self._line) >= self._max_waiting:
            seconds = self._starts_in(())
            retry_after = UNKNOWN_RETRY if seconds is None else max(SHORTEST_RETRY, seconds)
            others = sum(ticket.group != group for ticket in self._line)
            raise errors.QueueFull(waiting=others, retry_after=retry_after)
        ticket = Ticket(request, owner, group, self._clock() + self._deadline, self._eta, self._pace)
        self.accounts.admitted += 1
        self._tickets[request.request_id] = ticket
        self._line.push(owner, ticket)
        self._admitted.put_nowait(ticket)
        self._advance()
        return ticket

    def _advance(self) -> None:
        """Give free slots to who is next, and everybody else their position."""
        while self._free_slots and self._line:
            self._free_slots -= 1
            ticket = self._line.pop()
            ticket.moved(None)
            ticket.started_at = ticket.stepped_at = self._clock()
            self._started.put_nowait(ticket)
        for position, ticket in enumerate(self._line, 1):
            ticket.moved(position)

    def _settle(self, ticket: Ticket, outcome: Outcome) -> None:
        """Decide the outcome, unless it is decided, and free what the request holds."""
        if ticket.outcome is not None:
            return
        del self._tickets[ticket.request.request_id]
        self.accounts.count(outcome)
        if ticket.position is not None:
            self._line.remove(ticket.owner, ticket)
            self._advance()
        elif ticket.scope is not None:
            # Interrupts the runner as a timeout does, and thereby aborts the run.
            ticket.scope.reschedule(0)
        ticket.settled(outcome)

    def _finished(self, ticket: Ticket, reason: FinishReason) -> Finished:
        seconds = 0.0 if ticket.started_at is None else self._clock() - ticket.started_at
        return Finished(Completion(tuple(ticket.steps), reason), seconds)

    def _eta(self, ticket: Ticket) -> float | None:
        return self._starts_in(takewhile(lambda other: other is not ticket, self._line))

    def _starts_in(self, ahead: Iterable[Ticket]) -> float | None:
        """Seconds until a slot is free after ``ahead``; less if a text ends before its last token."""
        pace = self._step_seconds.value
        if pace is None:
            return None
        running = [pace * ticket.passes_left for ticket in self._tickets.values() if ticket.position is None]
        return starts_in(running, [pace * ticket.passes_left for ticket in ahead], self._max_running)

    # What follows runs in the queue's own tasks.

    async def _run_slot(self) -> None:
        while True:
            ticket = await self._started.get()
            if ticket.outcome is None:
                self._settle(ticket, await self._generate(ticket))
            self._free_slots += 1
            self._advance()

    async def _generate(self, ticket: Ticket) -> Outcome:
        """Run a request in the model; what becomes of it, were it decided here."""
        try:
            async with asyncio.timeout(None) as ticket.scope:
                return self._finished(ticket, await self._follow(ticket))
        except errors.TokenwiseError as error:
            return error
        except Exception as error:
            if ticket.outcome is None:  # nobody interrupted it: this is a defect
                logger.exception("request %s failed", ticket.request.request_id)
            return errors.GenerationFailed(repr(error))
        finally:
            ticket.scope = None

    async def _follow(self, ticket: Ticket) -> FinishReason:
        async with aclosing(self._model.run(ticket.request)) as events:
            async for event in events:
                if isinstance(event, Ended):
                    return event.finish_reason
                now = self._clock()
                if not ticket.request.scored:  # of a text that is read, many come at once
                    self._step_seconds.add(now - ticket.stepped_at)
                ticket.stepped(event.step, now)
        raise errors.GenerationFailed("the model stopped without an end")

    async def _expire(self) -> None:
        """End what takes too long. All have the same time, so the first in is due first."""
        while True:
            ticket = await self._admitted.get()
            if ticket.outcome is None:
                await asyncio.sleep(ticket.due - self._clock())
            self._settle(ticket, errors.DeadlineExceeded(seconds=self._deadline))
