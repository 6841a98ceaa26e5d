"""The bot's side of the model: a worker process that is always there.

    async with ModelProcess(worker_command(…), name="…") as model:
        info = await model.wait_ready()
        async with aclosing(model.run(request)) as events:
            async for event in events: …

One task, the supervisor, owns the worker: it starts it, hands it the requests,
passes on what it says, and replaces it when it breaks. A replaced worker gets
every running request again from its beginning. The same seed gives the same
steps, so those already passed on are swallowed by their index and whoever reads
notices a pause, nothing else.
What happens to a request that kills its worker, :mod:`bot.model.client.roster` says.
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
from bot.errors import ModelLoading, ModelUnusable, ShuttingDown
from bot.model.client.child import Child, worker_command
from bot.model.client.heartbeat import WorkerBroken
from bot.model.client.lookups import Lookups
from bot.model.client.readiness import Readiness
from bot.model.client.restarts import Restarts
from bot.model.client.roster import Failure, Roster
from bot.model.client.wording import loading_text
from bot.model.protocol import (
    Abort,
    Alike,
    Ended,
    Forget,
    FromWorker,
    GenerationRequest,
    Loading,
    ModelInfo,
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
    """A supervised model worker. Enter it to start the worker, leave it to end it.

    ``command`` runs the worker, ``name`` is what errors call the model,
    ``on_loading`` is called with every progress of loading, ``on_ready`` in a thread of
    its own before the model counts as ready, for it may take a moment; of ``settings``,
    the worker's environment has what is for the hub. In seconds: ``pause``
    before a restart, doubled with each further one until a worker was ready;
    ``grace`` for a worker told to end; ``patience`` with one that neither answers
    nor computes (see :mod:`bot.model.client.heartbeat`).
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
    _restarts: Restarts = field(init=False)
    _roster: Roster = field(default_factory=Roster, init=False)
    _lookups: Lookups = field(default_factory=Lookups, init=False)
    _child: Child | None = field(default=None, init=False)
    _launched: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _serving: bool = field(default=False, init=False)  # the worker that runs now said Ready
    _supervisor: Background = field(init=False)

    def __post_init__(self) -> None:
        self._readiness = Readiness(self.on_loading)
        self._restarts = Restarts(self.pause)
        self._supervisor = Background(self._supervise, name="model supervisor", pause=self.pause)

    @property
    def info(self) -> ModelInfo | None:
        """The model, once it was ready; kept while a worker is replaced."""
        return self._readiness.info

    @property
    def loading(self) -> Loading | None:
        """The newest progress while a worker loads."""
        return self._readiness.loading

    @property
    def restarts(self) -> int:
        """How often a broken worker has been replaced since this was entered."""
        return self._restarts.total

    @property
    def pid(self) -> int | None:
        """The worker's process id; None between two workers."""
        return self._child.pid if self._child else None

    @property
    def serving(self) -> bool:
        """Whether a worker with the loaded model runs."""
        return self._serving

    @property
    def batch(self) -> int:
        """How many requests the worker has."""
        return self._roster.submitted

    async def __aenter__(self) -> Self:
        await self._supervisor.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the worker; requests still running fail with ShuttingDown."""
        self._give_up(ShuttingDown)
        await self._supervisor.__aexit__(kind, error, trace)

    async def launched(self) -> None:
        """Wait until the first worker runs or has failed to start."""
        await self._launched.wait()

    async def wait_ready(self) -> ModelInfo:
        """Wait for the first worker to load.

        Raises ModelUnusable, or ShuttingDown if this was left before it was known.
        """
        return await self._readiness.wait()

    async def run(self, request: GenerationRequest) -> AsyncGenerator[Stepped | Ended, None]:
        """The request's steps in order, then how it ended.

        It may be called before the model is ready, and then waits. Closing the
        generator early, or cancelling whoever waits for it, aborts the request.
        Raises GenerationFailed if the worker rejected it or dies of it,
        ShuttingDown or ModelUnusable if there is no worker any more, ValueError
        if a request of this id is still running.
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
            # Known to the roster until the worker confirms it, heard by nobody.
            if not run.ended:
                self.abort(request.request_id)

    def abort(self, request_id: str) -> None:
        """End a request early: its run yields ``Ended`` with "cancelled".

        The worker does so within one decode step. An unknown id is ignored, for
        the request may just have ended.
        """
        if self._roster.abort(request_id) and self._child is not None:
            self._child.send(Abort(request_id))
        else:
            self._submit()

    async def similar(self, token_id: int, count: int) -> tuple[Alike, ...]:
        """The ``count`` tokens whose embeddings are most like this one's, the most alike first.

        Raises ModelLoading while no worker is ready, GenerationFailed if it dies
        meanwhile, QueueFull, and what :meth:`run` raises if there will be no worker.
        """
        self._readiness.check()
        if self._child is None or not self._serving:
            raise ModelLoading(loading_text(self.loading))
        lookup, answer = self._lookups.ask(token_id, count)
        self._child.send(lookup)
        return await answer

    def forget(self) -> None:
        """Let the worker keep nothing of any text so far, nor of one in progress; the next one knows none."""
        if self._child is not None and self._serving:
            self._child.send(Forget())

    def _submit(self) -> None:
        """Hand the worker what it may have now."""
        if self._child is not None and self._serving:
            for request in self._roster.submit():
                self._child.send(Submit(request))

    # From here on everything runs in the supervisor's task.

    async def _supervise(self) -> None:
        while not self._readiness.failed:
            self._restarts.life_begins()
            cause = await self._one_life()
            if self.info is None and self._restarts.hopeless:
                problem = f"its worker died {self._restarts.in_vain} times while loading it: {cause}."
                # Perhaps for lack of memory, or because the disk failed.
                self._give_up(partial(ModelUnusable, self.name, problem=problem, reason="fault"))
            elif not self._readiness.failed:
                pause = self._restarts.again()
                logger.warning("the model worker broke (%s); a new one in %.1f s", cause, pause)
                await asyncio.sleep(pause)

    async def _one_life(self) -> str:
        """Start a worker and serve until it breaks; returns why it did."""
        child: Child | None = None
        try:
            async with Child.started(
                self.command, grace=self.grace, patience=self.patience, settings=self.settings
            ) as child:
                self._child = child
                self._launched.set()
                try:
                    while not self._readiness.failed:
                        message = await child.receive()
                        if isinstance(message, Ready) and self.on_ready is not None:
                            await asyncio.to_thread(self.on_ready, message)
                        self._receive(message)
                finally:
                    self._child, self._serving, self._readiness.loading = None, False, None
            cause = "the model cannot be used"
        except (WorkerBroken, OSError) as error:
            cause = str(error)
        except Exception as error:
            # A defect of ours. The worker has been ended, and a new one may do.
            logger.exception("the model worker could not be served")
            cause = f"serving it failed with {type(error).__name__}"
        self._launched.set()
        self._roster.worker_died()
        self._lookups.worker_died()
        return f"{cause}, {child.obituary()}" if child else cause

    def _receive(self, message: FromWorker) -> None:
        """Pass on what the worker says."""
        match message:
            case Loading():
                self._readiness.show(message)
            case Ready(info):
                self._ready(info)
            case Unusable():
                if self.info is not None:  # it could be loaded once: try again
                    raise WorkerBroken(message.detail)
                problem, reason = message.detail, message.reason
                self._give_up(partial(ModelUnusable, self.name, problem=problem, reason=reason))
            case Stepped() | Ended() | Rejected():
                if not self._roster.heard(message):
                    raise WorkerBroken(f"it left out a step before {message.request_id}'s last one")
                self._submit()
            case Similar():
                self._lookups.heard(message)

    def _ready(self, info: ModelInfo) -> None:
        if self.info is not None and info.encoding != self.info.encoding:
            # What waits was encoded for the other one. A bot that starts anew is right in all of it.
            problem = "its tokenizer became another one while the bot ran."
            self._give_up(partial(ModelUnusable, self.name, problem=problem, reason="fault"))
            return
        logger.info("the model is ready: %s, %s", self.name, info.fingerprint)
        if self.info is not None and info.fingerprint != self.info.fingerprint:
            self._roster.model_changed()
        self._serving = True
        self._readiness.ready(info)
        self._restarts.ready()
        self._submit()

    def _give_up(self, failure: Callable[[], Failure]) -> None:
        if self._readiness.fail(failure):
            self._roster.fail_all(failure)
            self._lookups.fail_all(failure)
