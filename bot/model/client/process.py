"""The bot's side of the model: a worker process that is always there.

    async with ModelProcess(worker_command(…), name="…") as model:
        info = await model.wait_ready()
        async with aclosing(model.run(request)) as events:
            async for event in events: …

:mod:`bot.model.client.supervisor` replaces a worker that breaks. The new worker gets
every running request again from its beginning. The same seed gives the same steps, so
those that were already passed on are dropped by their index, and a reader notices
nothing but a pause. :mod:`bot.model.client.roster` decides what happens to a request
that kills its worker.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from functools import partial
from types import TracebackType
from typing import Self

from bot.background import Background
from bot.errors import ModelUnusable, ShuttingDown, UnusableReason
from bot.model.client.child import Child, worker_command
from bot.model.client.heartbeat import WorkerBroken
from bot.model.client.lookups import Lookups
from bot.model.client.readiness import Failure, Readiness, Restarts
from bot.model.client.roster import Roster
from bot.model.client.supervisor import Supervisor
from bot.model.model_info import ModelInfo
from bot.model.protocol import (
    Abort,
    Alike,
    Ended,
    Forget,
    FromWorker,
    GenerationRequest,
    Loading,
    Ready,
    Rejected,
    Similar,
    Stepped,
    Submit,
    Unusable,
)

__all__ = ["ModelProcess", "worker_command"]

logger = logging.getLogger(__name__)


@dataclass(eq=False)
class ModelProcess:
    """A supervised model worker. Entering starts it, leaving ends it.

    ``command`` runs the worker, and errors call the model ``name``. ``on_loading`` is
    called with every progress report, ``on_ready`` in a thread of its own before the
    model counts as ready, because it may take a moment. The worker's environment gets
    those ``settings`` that are for the hub. In seconds: ``pause`` before a restart, doubled
    with each consecutive failed start; ``grace`` for a worker that should end;
    ``patience`` with one that neither answers nor computes
    (see :mod:`bot.model.client.heartbeat`).
    """

    command: Sequence[str]
    _: KW_ONLY
    name: str
    on_loading: Callable[[Loading], None] | None = None
    on_ready: Callable[[Ready], None] | None = None
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)
    pause: float = 0.2
    grace: float = 2.0
    patience: float = 8.0

    _readiness: Readiness = field(init=False)
    _roster: Roster = field(default_factory=Roster, init=False)
    _lookups: Lookups = field(default_factory=Lookups, init=False)
    _supervisor: Supervisor = field(init=False)
    _supervision: Background = field(init=False)

    def __post_init__(self) -> None:
        self._readiness = Readiness(self.on_loading)
        start = partial(Child.started, grace=self.grace, patience=self.patience, settings=self.settings)
        self._supervisor = Supervisor(
            partial(start, self.command),
            readiness=self._readiness,
            restarts=Restarts(self.pause),
            receive=self._receive,
            died=self._worker_died,
            give_up=self._cannot_be_used,
        )
        self._supervision = Background(self._supervisor.run, name="model supervisor", pause=self.pause)

    @property
    def info(self) -> ModelInfo | None:
        """The model, once it was ready; kept while a worker is replaced."""
        return self._readiness.info

    @property
    def loading(self) -> Loading | None:
        """The latest progress while a worker loads."""
        return self._readiness.loading

    @property
    def restarts(self) -> int:
        """How often a broken worker has been replaced since this was entered."""
        return self._supervisor.restarts.total

    @property
    def pid(self) -> int | None:
        """The worker's process id; None between two workers."""
        return self._supervisor.child.pid if self._supervisor.child else None

    @property
    def serving(self) -> bool:
        """Whether a worker with the loaded model is running."""
        return self._supervisor.serving

    @property
    def capacity(self) -> None:
        """The operator sets how many requests a worker computes together."""
        return None

    @property
    def batch(self) -> int:
        """How many requests the worker has."""
        return self._roster.submitted

    async def __aenter__(self) -> Self:
        await self._supervision.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the worker; requests that are still running fail with ShuttingDown."""
        self._fail(ShuttingDown)
        await self._supervision.__aexit__(kind, error, trace)

    async def launched(self) -> None:
        """Wait until the first worker is running or has failed to start."""
        await self._supervisor.launched.wait()

    async def wait_ready(self) -> ModelInfo:
        """Wait for the first worker to load.

        Raises ModelUnusable, or ShuttingDown if this was left before it was known.
        """
        return await self._readiness.wait()

    async def run(self, request: GenerationRequest) -> AsyncGenerator[Stepped | Ended, None]:
        """Yield the request's steps in order, then how it ended.

        A request made before the model is ready waits for it. Closing the generator
        early, or cancelling the task that waits for it, aborts the request. Raises
        GenerationFailed if the worker rejects the request or dies of it, ShuttingDown or
        ModelUnusable if there is no worker, ValueError if a request with this id is
        still running.
        """
        self._readiness.check()
        run = self._roster.add(request)
        self._submit()
        try:
            while True:
                event = await run.events.get()
                if isinstance(event, Exception):
                    raise event
                yield event
                if isinstance(event, Ended):
                    return
        finally:
            # The roster keeps it until the worker confirms; there is no reader by then.
            if not run.ended:
                self.abort(request.request_id)

    def abort(self, request_id: str) -> None:
        """End a request early: its run yields ``Ended`` with "cancelled".

        The worker does so within one decode step. An unknown id is ignored, because
        the request may have ended a moment ago.
        """
        if self._roster.abort(request_id):
            self._supervisor.send(Abort(request_id))
        else:
            self._submit()

    async def similar(self, token_id: int, count: int) -> tuple[Alike, ...]:
        """Return the ``count`` tokens whose embeddings are closest to this one's, closest first.

        One made before a worker is ready waits for it. Raises GenerationFailed if the worker dies
        meanwhile, QueueFull, and what :meth:`run` raises if there will be no worker.
        """
        self._readiness.check()
        answer = self._lookups.ask(token_id, count)
        self._submit()
        return await answer

    def forget(self) -> None:
        """Have the worker keep nothing of any text up to now, including those in progress."""
        if self.serving:
            self._supervisor.send(Forget())

    def _submit(self) -> None:
        """Send the worker every request and lookup it may have now."""
        if self.serving:
            for request in self._roster.submit():
                self._supervisor.send(Submit(request))
            for lookup in self._lookups.submit():
                self._supervisor.send(lookup)

    # The supervisor's task calls everything from here on.

    async def _receive(self, message: FromWorker) -> None:
        match message:
            case Loading():
                self._readiness.show(message)
            case Ready():
                if self.on_ready is not None:
                    await asyncio.to_thread(self.on_ready, message)
                self._ready(message.info)
            case Unusable():
                if self.info is not None:  # it could be loaded once: try again
                    raise WorkerBroken(message.detail)
                self._cannot_be_used(message.detail, message.reason)
            case Stepped() | Ended() | Rejected():
                if not self._roster.heard(message):
                    raise WorkerBroken(f"it left out a step before {message.request_id}'s last one")
                self._submit()
            case Similar():
                self._lookups.heard(message)

    def _ready(self, info: ModelInfo) -> None:
        if self.info is not None and info.encoding != self.info.encoding:
            # Waiting requests were encoded for the old one. A restarted bot gets all of it right.
            self._cannot_be_used("its tokenizer became another one while the bot ran.")
            return
        logger.info("the model is ready: %s, %s", self.name, info.fingerprint)
        if self.info is not None and info.fingerprint != self.info.fingerprint:
            self._roster.model_changed()
        self._supervisor.ready()
        self._readiness.ready(info)
        self._submit()

    def _worker_died(self) -> None:
        self._roster.worker_died()
        self._lookups.worker_died()

    def _cannot_be_used(self, problem: str, reason: UnusableReason = "fault") -> None:
        self._fail(partial(ModelUnusable, self.name, problem=problem, reason=reason))

    def _fail(self, failure: Callable[[], Failure]) -> None:
        """End everything with ``failure``, unless an earlier one already did."""
        if self._readiness.fail(failure):
            self._roster.fail_all(failure)
            self._lookups.fail_all(failure)
