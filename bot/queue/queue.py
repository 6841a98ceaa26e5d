"""The queue before the model: who may ask, who is next, and what they see.

    async with GenerationQueue(model, …) as queue:
        async with queue.stream(request, asker=Asker(user_id, server_id)) as updates:
            async for update in updates:
                …  # Queued …, Progress …, Finished

A request is admitted or refused at once (what for, :mod:`bot.queue.limits` says).
It waits in a fair line for one of ``max_running`` slots, runs in the model, and
has exactly one outcome, which :meth:`GenerationQueue._settle` alone decides:
finished, cancelled, expired or failed. Whatever else holds the request is then
told to let go of it.

**Tasks.** All are made in ``__aenter__``: one runner a slot, which reads the
model's steps, and one that watches the deadlines. A stream is read in the task
of whoever reads it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from types import TracebackType
from typing import Self

from bot import errors, logs
from bot.background import Background
from bot.model.client.wording import loading_text
from bot.model.protocol import Alike, GenerationRequest, ModelInfo
from bot.queue.limits import Admission, Asker
from bot.queue.runner import Model, run
from bot.queue.scheduler import Line
from bot.queue.turns import Turns
from bot.queue.updates import Accounts, Completion, Finished, Load, Outcome, Progress, Queued, Ticket, Update

__all__ = ["Accounts", "Completion", "Finished", "GenerationQueue", "Model", "Progress", "Queued", "Update"]

_PAUSE = 0.1  # seconds before a task of the queue that failed begins again: people wait for it


class GenerationQueue:
    """Admission, fairness, streaming, cancelling, deadlines. Enter it to open.

    At most ``max_running`` requests are in the model and ``max_waiting`` before
    it; one person has at most ``per_owner`` in both, one server ``per_server``.
    In seconds: ``deadline`` for all that is asked for one interaction, from when it was
    made; ``pace`` the least between two updates of a stream, the cooldowns between two
    admissions. ``on_first_token`` is called with the seconds from each admission to the
    first token. ``clock`` gives seconds and never goes back.
    """

    def __init__(
        self,
        model: Model,
        *,
        max_waiting: int,
        max_running: int,
        per_owner: int,
        deadline: float,
        per_server: int | None = None,
        person_cooldown: float = 0.0,
        server_cooldown: float = 0.0,
        pace: float = 0.0,
        on_first_token: Callable[[float], object] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.accounts = Accounts()
        self._model = model
        self._slots = max_running
        self._deadline = deadline
        self._pace = pace
        self._clock = clock
        self._on_first_token = on_first_token
        self._open = False
        self._tickets: dict[str, Ticket] = {}  # all without an outcome yet, the oldest first
        self._line: Line[Ticket] = Line(slots=max_running, places=max_waiting)
        self._lookups = Turns(
            slots=1,
            places=max_waiting,
            per_person=per_owner,
            per_server=per_server,
            deadline=deadline,
            clock=clock,
            refused=self.accounts.refused,
        )
        self._admission = Admission(
            per_person=per_owner,
            per_server=per_server,
            person_cooldown=person_cooldown,
            server_cooldown=server_cooldown,
            clock=clock,
        )
        self._started: asyncio.Queue[Ticket] = asyncio.Queue()  # from the line to a runner
        self._admitted = asyncio.Event()  # something has been, for the deadlines
        self._tasks = AsyncExitStack()

    @property
    def model(self) -> ModelInfo:
        """The loaded model; raises ModelLoading before it was ready once."""
        info = self._model.info
        if info is None:
            raise errors.ModelLoading(loading_text(self._model.loading))
        return info

    @property
    def load(self) -> Load:
        return Load(len(self._line.running), len(self._line), self._line.forecast.pace)

    async def __aenter__(self) -> Self:
        await self._tasks.enter_async_context(Background(self._expire, name="deadlines", pause=_PAUSE))
        for slot in range(1, self._slots + 1):
            runner = Background(self._run_slot, name=f"runner {slot}", pause=_PAUSE)
            await self._tasks.enter_async_context(runner)
        self._open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close(patience=0.0)
        await self._tasks.aclose()

    async def close(self, *, patience: float) -> None:
        """Refuse what comes with ShuttingDown, and end with it what waits.

        What runs has ``patience`` seconds to finish, and is then ended as well.
        What waits would hardly be finished by then: to be told so at once is
        better than to be told the same at the end.
        """
        self._open = False
        self._lookups.close()
        for ticket in list(self._line):
            self._settle(ticket, errors.ShuttingDown())
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                for ticket in list(self._tickets.values()):
                    await ticket.ended()
        for ticket in list(self._tickets.values()):
            self._settle(ticket, errors.ShuttingDown())
        self._lookups.end()

    @asynccontextmanager
    async def stream(
        self, request: GenerationRequest, *, asker: Asker, group: str | None = None
    ) -> AsyncIterator[AsyncIterator[Update]]:
        """Ask for a completion and follow it.

        Requests of one ``group`` count as one against the limits.

        Entering admits or raises: ShuttingDown, ModelLoading before the model
        was ready for the first time, DeadlineExceeded, TooManyRequests, ServerBusy,
        TooSoon, QueueFull, ValueError for an id that is in progress. That the prompt
        fits the context is the caller's to check.

        The first update comes at once. They are Queued whenever the position
        changed, Progress with the newest state, Finished once, then they end;
        or they raise GenerationFailed, DeadlineExceeded or ShuttingDown.
        Leaving early takes the request out of the line or aborts it.
        """
        try:
            ticket = self._admit(request, asker, group or request.request_id)
        except errors.UnavailableError as error:
            self.accounts.refuse(error)
            raise
        try:
            yield ticket
        finally:
            self._settle(ticket, ticket.finished("cancelled", self._clock()))

    def cancel(self, request_id: str, *, owner: int) -> None:
        """Stop a request: its stream finishes as cancelled, with the steps so far.

        Raises NotRunning if it is not in progress, NotYours if it is another's.
        """
        ticket = self._tickets.get(request_id)
        if ticket is None:
            raise errors.NotRunning
        if ticket.asker.person != owner:
            raise errors.NotYours("stop")
        self._settle(ticket, ticket.finished("cancelled", self._clock()))

    async def similar(self, token_id: int, count: int, *, asker: Asker) -> tuple[Alike, ...]:
        """The tokens most like this one to the model.

        It takes a moment, so it does not wait behind texts; only one is looked up at a time.
        Raises ModelLoading, GenerationFailed, and what entering a stream does.
        """
        async with self._lookups.place(asker) as place:
            return await self._lookups.take(place, partial(self._model.similar, token_id, count))

    def forget(self) -> None:
        """Let the model keep nothing of any text so far, nor of one in progress once it has ended."""
        self._model.forget()
        for ticket in self._tickets.values():  # some have not begun, some may begin anew in the next worker
            ticket.is_forgotten = True

    def _admit(self, request: GenerationRequest, asker: Asker, group: str) -> Ticket:
        if not self._open:
            raise errors.ShuttingDown
        _ = self.model  # loaded, or this raises
        if request.request_id in self._tickets:
            raise ValueError(f"request {request.request_id} is already in progress")
        now = self._clock()
        due = now - asker.age + self._deadline
        if due < now:
            raise errors.DeadlineExceeded(seconds=self._deadline)
        self._admission.check(asker, group, self._line.ends)
        try:
            self._line.check(group)
        except errors.QueueFull:
            self._admission.forgive(asker, group)
            raise
        ticket = Ticket(request, asker, group, due, self._line.eta, self._pace)
        ticket.admitted_at, ticket.asked_by = now, logs.request()
        self.accounts.admitted += 1
        self._admission.begin(asker, group)
        self._tickets[request.request_id] = ticket
        self._line.join(ticket)
        self._admitted.set()
        self._advance()
        return ticket

    def _advance(self) -> None:
        """Give free slots to who is next."""
        for ticket in self._line.started():
            ticket.started_at = ticket.stepped_at = self._clock()
            self._started.put_nowait(ticket)

    def _settle(self, ticket: Ticket, outcome: Outcome) -> None:
        """Decide the outcome, unless it is decided, and free what the request holds."""
        if ticket.outcome is not None:
            return
        del self._tickets[ticket.request.request_id]
        self._admission.end(ticket.asker, ticket.group)
        if isinstance(outcome, (errors.GenerationFailed, errors.ShuttingDown)):
            self._admission.forgive(ticket.asker, ticket.group)
        self.accounts.count(outcome)
        self._line.leave(ticket)
        if ticket.position is not None:
            if self._open:  # else everybody who waits is about to be told the end
                self._advance()
        elif ticket.scope is not None:
            # Interrupts the runner as a timeout does, and thereby aborts the run.
            ticket.scope.reschedule(0)
        ticket.settled(outcome)

    # What follows runs in the queue's own tasks.

    async def _run_slot(self) -> None:
        while True:
            ticket = await self._started.get()
            outcome: Outcome = errors.GenerationFailed("its runner ended")
            try:
                if ticket.outcome is None:
                    with logs.belonging_to(ticket.asked_by):
                        outcome = await run(self._model, ticket, self._clock, self._count_token)
            finally:  # the slot is given on whatever happens to this runner
                self._settle(ticket, outcome)
                if ticket.is_forgotten:
                    self._model.forget()
                self._line.freed()
                self._advance()

    def _count_token(self, ticket: Ticket, now: float) -> None:
        self.accounts.tokens += 1
        self._line.forecast.measured(now - ticket.stepped_at)
        if not ticket.steps and self._on_first_token is not None:
            self._on_first_token(now - ticket.admitted_at)

    async def _expire(self) -> None:
        """End what takes too long. What comes last may be due first: its interaction may be older."""
        while True:
            due = min((ticket.due for ticket in self._tickets.values()), default=None)
            with suppress(TimeoutError):
                async with asyncio.timeout(None if due is None else due - self._clock()):
                    await self._admitted.wait()
            self._admitted.clear()
            self._end_due()

    def _end_due(self) -> None:
        now = self._clock()
        for ticket in [ticket for ticket in self._tickets.values() if ticket.due <= now]:
            self._settle(ticket, errors.DeadlineExceeded(seconds=self._deadline))
