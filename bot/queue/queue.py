"""The queue before the model: who may ask, who is next, and what they see.

    async with GenerationQueue(model, limits) as queue:
        async with queue.stream(request, asker=Asker(user_id, server_id)) as updates:
            async for update in updates:
                …  # Queued …, Progress …, Finished

While the model loads, requests wait in the line of :meth:`GenerationQueue.warm_up`. After that
a request is admitted or refused at once (:mod:`bot.queue.limits` says which). It waits
in a fair line for a slot, runs in the model, and has exactly one outcome, which
:meth:`GenerationQueue._settle` alone decides: finished, cancelled, expired or failed.
Everything else that holds the request then lets go of it.

**Tasks.** One runner per slot, which reads the model's steps; one for the deadlines, one that waits for the
model, and one that follows how many slots a model service has. A stream is read in its reader's task.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from types import TracebackType
from typing import Self

from bot import errors, logs
from bot.background import Background
from bot.model.client.progress import loading_text
from bot.model.model_info import ModelInfo
from bot.model.protocol import Alike, GenerationRequest
from bot.queue.counts import RequestCounts
from bot.queue.limits import Admission, Asker, Limits
from bot.queue.runner import Model, run_in_model
from bot.queue.scheduler import Scheduler
from bot.queue.speed import RecentSpeed
from bot.queue.ticket import Ticket
from bot.queue.turns import Turns
from bot.queue.updates import Load, Outcome, Update, Warming
from bot.queue.warm_up import WarmUp

_PAUSE = 0.1  # seconds before a failed task of the queue starts again; people are waiting
_COME_BACK = 15.0  # seconds that people are asked to wait while the model is away
_RESIZE = 0.5  # seconds from one look at the model's slots to the next


class GenerationQueue:
    """Admission, fairness, streaming, cancelling, deadlines. Enter it to open.

    ``pace`` is the least number of seconds between two updates of a stream.
    ``on_first_token`` is called with the seconds from each admission to its first token.
    ``clock`` is monotonic, in seconds.
    """

    def __init__(
        self,
        model: Model,
        limits: Limits,
        *,
        pace: float = 0.0,
        on_first_token: Callable[[float], object] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.counts = RequestCounts()
        self._speed = RecentSpeed()
        self._model = model
        self._limits = limits
        self._pace = pace
        self._clock = clock
        self._on_first_token = on_first_token
        self._open = False
        self._tickets: dict[str, Ticket] = {}  # those without an outcome, oldest first
        self._scheduler: Scheduler[Ticket] = Scheduler(
            max_running=limits.max_running, max_waiting=limits.max_waiting
        )
        self._lookups = Turns(limits.one_at_a_time(), clock=clock, refused=self.counts.refused)
        self._admission = Admission(limits, clock=clock)
        self._warm_up = WarmUp(model, limits, self._admission, pace=pace, clock=clock)
        self._runners = 0
        self._started: asyncio.Queue[Ticket] = asyncio.Queue()  # from the line to a runner
        self._admitted = asyncio.Event()  # wakes the task of the deadlines
        self._tasks = AsyncExitStack()

    @property
    def model(self) -> ModelInfo:
        """The loaded model; ModelLoading until it has been ready once."""
        info = self._model.info
        if info is None:
            raise errors.ModelLoading(loading_text(self._model.loading))
        return info

    @property
    def load(self) -> Load:
        scheduler = self._scheduler
        return Load(
            running=len(scheduler.running),
            waiting=len(scheduler) + len(self._warm_up),
            pace=scheduler.forecast.pace,
            speed=self._speed.read(self._clock()),
            capacity=self._model.capacity,
        )

    async def __aenter__(self) -> Self:
        await self._tasks.enter_async_context(Background(self._expire, name="deadlines", pause=_PAUSE))
        await self._tasks.enter_async_context(Background(self._until_known, name="warm-up", pause=_PAUSE))
        await self._hire()
        await self._tasks.enter_async_context(Background(self._follow_slots, name="slots", pause=_PAUSE))
        self._open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close(patience=0.0)
        await self._tasks.aclose()

    async def close(self, *, patience: float) -> None:
        """Refuse new requests with ShuttingDown and end the waiting ones with it.

        Running requests get ``patience`` seconds to finish before they end the same way.
        Waiting ones would hardly finish by then, so their askers hear it at once.
        """
        self._open = False
        self._lookups.close()
        self._warm_up.close()
        for ticket in list(self._scheduler):
            self._settle(ticket, errors.ShuttingDown())
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                for ticket in list(self._tickets.values()):
                    await ticket.ended()
        for ticket in list(self._tickets.values()):
            self._settle(ticket, errors.ShuttingDown())
        self._lookups.end()

    def warm_up(
        self, *, asker: Asker, group: str, requests: int = 1
    ) -> AbstractAsyncContextManager[AsyncIterator[Warming]]:
        """Wait in line until the model has been ready once; see :meth:`bot.queue.warm_up.WarmUp.place`.

        Afterwards the asker may ask for ``requests`` as ``promised``: no limit refuses them.
        """
        return self._counted(self._warm_up.place(asker, group, requests=requests))

    @asynccontextmanager
    async def stream(
        self, request: GenerationRequest, *, asker: Asker, group: str | None = None
    ) -> AsyncIterator[AsyncIterator[Update]]:
        """Ask for a completion and follow it.

        Requests of one ``group`` count as one against the limits. The caller checks that
        the prompt fits the context.

        Entering admits the request or raises: ShuttingDown, ModelLoading until the model
        has been ready once, ModelUnreachable while a service is away, DeadlineExceeded,
        TooManyRequests, ServerBusy, TooSoon, QueueFull, or ValueError for an id already in
        progress. No limit refuses what is promised.

        The first update comes at once: Queued whenever the position changes, Progress with
        the newest state, then Finished once. Reading raises GenerationFailed,
        DeadlineExceeded or ShuttingDown. Leaving early takes the request out of the line
        or aborts it.
        """
        try:
            ticket = self._admit(request, asker, group or request.request_id)
        except errors.UnavailableError as error:
            self.counts.refuse(error)
            raise
        try:
            yield ticket
        finally:
            self._settle(ticket, ticket.finished("cancelled", self._clock()))

    def is_in_progress(self, group: str) -> bool:
        """Whether :meth:`cancel` has something to stop."""
        return self._warm_up.holds(group) or any(one.group == group for one in self._tickets.values())

    def cancel(self, group: str, *, owner: int) -> None:
        """Stop all requests of a group: their streams finish as cancelled, with the steps so far.

        A request alone is a group by its own id. What waits for the model ends with Stopped.
        Raises NotRunning if none of the group is in progress, NotYours if somebody else asked
        for it.
        """
        if self._warm_up.cancel(group, owner=owner):
            return
        tickets = [ticket for ticket in self._tickets.values() if ticket.group == group]
        if not tickets:
            raise errors.NotRunning
        if any(ticket.asker.person != owner for ticket in tickets):
            raise errors.NotYours("stop")
        for ticket in tickets:
            self._settle(ticket, ticket.finished("cancelled", self._clock()))

    async def similar(self, token_id: int, count: int, *, asker: Asker) -> tuple[Alike, ...]:
        """The ``count`` tokens whose embeddings are closest to this one's.

        A lookup takes a moment, so it does not wait behind texts; only one runs at a time.
        Raises GenerationFailed, and whatever entering a stream raises.
        """
        async with self._lookups.place(asker) as place:
            return await self._lookups.take(place, partial(self._model.similar, token_id, count))

    def forget(self) -> None:
        """Make the model drop every prefix it keeps, and those in progress once they end."""
        self._model.forget()
        for ticket in self._tickets.values():  # some have yet to begin, or may begin again in the next worker
            ticket.is_forgotten = True

    def _admit(self, request: GenerationRequest, asker: Asker, group: str) -> Ticket:
        if not self._open:
            raise errors.ShuttingDown
        _ = self.model  # loaded, or this raises
        if not self._slots:
            raise errors.ModelUnreachable(retry_after=_COME_BACK)
        if request.request_id in self._tickets:
            raise ValueError(f"request {request.request_id} is already in progress")
        now = self._clock()
        due = now - asker.age + self._limits.deadline
        if due < now:
            raise errors.DeadlineExceeded(seconds=self._limits.deadline)
        if not asker.promised:
            self._check_limits(asker, group)
        ticket = Ticket(
            request,
            asker,
            group,
            admitted_at=now,
            due=due,
            eta=self._scheduler.eta,
            pace=self._pace,
            asked_by=logs.request(),
        )
        self.counts.admitted += 1
        self._admission.begin(asker, group)
        self._tickets[request.request_id] = ticket
        self._scheduler.join(ticket)
        self._admitted.set()
        self._advance()
        return ticket

    @property
    def _slots(self) -> int:
        """How many requests may run now."""
        capacity = self._model.capacity
        return self._limits.max_running if capacity is None else capacity.slots

    def _check_limits(self, asker: Asker, group: str) -> None:
        self._scheduler.resize(self._slots)
        self._admission.check(asker, group, self._scheduler.ends)
        try:
            self._scheduler.check(group)
        except errors.QueueFull:
            self._admission.forgive(asker, group)
            raise

    @asynccontextmanager
    async def _counted(
        self, place: AbstractAsyncContextManager[AsyncIterator[Warming]]
    ) -> AsyncIterator[AsyncIterator[Warming]]:
        """``place``, which counts as refused if it ends without having been served."""
        try:
            async with place as updates:
                yield updates
        except errors.UnavailableError as error:
            self.counts.refuse(error)
            raise

    def _advance(self) -> None:
        """Give free slots to the next tickets."""
        self._scheduler.resize(self._slots)
        for ticket in self._scheduler.start_next():
            ticket.started(self._clock())
            self._started.put_nowait(ticket)

    def _settle(self, ticket: Ticket, outcome: Outcome) -> None:
        """Decide the outcome, unless it is decided already, and free what the request holds."""
        if ticket.outcome is not None:
            return
        del self._tickets[ticket.request.request_id]
        self._admission.end(ticket.asker, ticket.group)
        if isinstance(outcome, (errors.GenerationFailed, errors.ModelUnreachable, errors.ShuttingDown)):
            self._admission.forgive(ticket.asker, ticket.group)
        self.counts.count(outcome)
        self._scheduler.leave(ticket)
        if ticket.position is not None:
            if self._open:  # otherwise every waiting ticket is about to end
                self._advance()
        elif ticket.scope is not None:
            # Interrupts the runner as a timeout would, which aborts the request in the model.
            ticket.scope.reschedule(0)
        ticket.settled(outcome)

    # The methods below run in the queue's own tasks.

    async def _until_known(self) -> None:
        """Let go on what waits for the model, once it is ready or is known never to be."""
        with suppress(errors.TokenwiseError):  # each that waits raises its own
            await self._model.wait_ready()
        self._warm_up.end()

    async def _follow_slots(self) -> None:
        """Use the slots that a model service has, as it grows and shrinks."""
        while self._model.capacity is not None:
            await self._hire()
            self._advance()
            await asyncio.sleep(_RESIZE)

    async def _hire(self) -> None:
        """Have a runner for each slot."""
        while self._runners < self._slots:
            self._runners += 1
            runner = Background(self._run_slot, name=f"runner {self._runners}", pause=_PAUSE)
            await self._tasks.enter_async_context(runner)

    async def _run_slot(self) -> None:
        while True:
            ticket = await self._started.get()
            outcome: Outcome = errors.GenerationFailed("its runner ended")
            try:
                if ticket.outcome is None:
                    with logs.belonging_to(ticket.asked_by):
                        outcome = await run_in_model(self._model, ticket, self._clock, self._count_token)
            finally:  # even if this runner fails, its slot must go on
                self._settle(ticket, outcome)
                if ticket.is_forgotten:
                    self._model.forget()
                self._scheduler.free_slot()
                self._advance()

    def _count_token(self, ticket: Ticket, now: float) -> None:
        self.counts.tokens += 1
        self._scheduler.forecast.measured(now - ticket.stepped_at)
        self._speed.add(now, now - ticket.stepped_at)
        if not ticket.steps and self._on_first_token is not None:
            self._on_first_token(now - ticket.admitted_at)

    async def _expire(self) -> None:
        """End what takes too long. The last to come may be due first: its interaction may be older."""
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
            self._settle(ticket, errors.DeadlineExceeded(seconds=self._limits.deadline))
