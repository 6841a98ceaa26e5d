"""A model on other machines: the queue's model without a worker of the bot's own.

    async with ModelService(URL("https://models.example.org"), key) as model:
        info = await model.wait_ready()
        async with aclosing(model.run(request)) as events:
            async for event in events: …

A text whose replica breaks is written again by another one, from its beginning;
:mod:`bot.model.remote.attempts` drops what was passed on before, so a reader notices nothing
but a pause. All of a text is one model's: while replicas with another one take over, texts
that have begun end on the old ones, and only then does the bot go over to the new model.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, suppress
from dataclasses import KW_ONLY, dataclass, field
from itertools import count
from types import TracebackType
from typing import Self

from yarl import URL

from bot.background import Background
from bot.errors import GenerationFailed, ModelUnreachable, ShuttingDown
from bot.model.client.readiness import Failure, Readiness
from bot.model.model_info import ModelInfo
from bot.model.protocol import (
    Alike,
    Capacity,
    Ended,
    GenerationRequest,
    Loading,
    Lookup,
    Ready,
    Stepped,
    Submit,
)
from bot.model.remote.absence import Bounds
from bot.model.remote.attempts import Attempts, StepMissing
from bot.model.remote.connection import (
    Busy,
    Connection,
    NotConnected,
    OtherModel,
    ServiceError,
    Silent,
    Unreachable,
)
from bot.model.remote.faults import fault
from bot.model.remote.patience import Patience
from bot.model.remote.replicas import Replicas, Stay
from bot.model.remote.watch import WAITING, Watch

logger = logging.getLogger(__name__)

COME_BACK = 15.0  # seconds: about what a replica takes to be replaced


@dataclass(eq=False)
class ModelService:
    """The model service at ``address``. Entering begins to ask for it, leaving ends every request.

    ``on_loading`` is called while it has not answered yet; ``on_ready``, in a thread of its own, before the
    model counts as ready. A text is given up after ``patience`` seconds in which no replica got further with
    it; ``pause`` is the time before the second attempt, doubled with each further one. Both in seconds.
    A service that was never ready is given up after ``bounds``; without them it is waited for.
    """

    address: URL
    key: str | None = field(repr=False)
    _: KW_ONLY
    on_loading: Callable[[Loading], None] | None = None
    on_ready: Callable[[Ready], None] | None = None
    pause: float = 0.1
    patience: float = 60.0
    bounds: Bounds | None = None
    clock: Callable[[], float] = time.monotonic

    restarts: int = field(default=0, init=False)  # how often a replica broke while it wrote a text
    pid: None = field(default=None, init=False)  # there is no worker on this machine

    _readiness: Readiness = field(init=False)
    _connection: Connection = field(init=False)
    _watch: Watch = field(init=False)
    _watching: Background = field(init=False)
    _replicas: Replicas = field(init=False)
    _running: dict[str, Attempts] = field(default_factory=dict, init=False)
    _lookups: Iterator[int] = field(default_factory=count, init=False)
    _left: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    def __post_init__(self) -> None:
        self._readiness = Readiness(self.on_loading)
        self._connection = Connection(self.address, self.key)
        self._replicas = Replicas(self.clock)
        self._watch = Watch(
            self._connection,
            self._readiness,
            on_ready=self.on_ready,
            has_begun=lambda: any(text.passed_on for text in self._running.values()),
            fail=self._fail,
            bounds=self.bounds,
            clock=self.clock,
        )
        self._watching = Background(self._watch.run, name="the model service")

    @property
    def info(self) -> ModelInfo | None:
        """The model, once it was ready."""
        return self._readiness.info

    @property
    def loading(self) -> Loading | None:
        return self._readiness.loading

    @property
    def capacity(self) -> Capacity:
        """What the service can do now: nothing while it is away."""
        return self._watch.capacity

    @property
    def serving(self) -> bool:
        """Whether the service has room for texts at all."""
        return self.info is not None and self.capacity.slots > 0

    @property
    def batch(self) -> int:
        """How many requests of this bot it has."""
        return len(self._running)

    async def __aenter__(self) -> Self:
        self._readiness.show(WAITING)
        await self._connection.__aenter__()
        await self._watching.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the service; requests that are still running fail with ShuttingDown."""
        self._fail(ShuttingDown)
        await self._watching.__aexit__(kind, error, trace)
        await self._connection.__aexit__(kind, error, trace)

    async def launched(self) -> None:
        """Nothing has to be started."""

    async def wait_ready(self) -> ModelInfo:
        """Wait until the service has answered once.

        Raises InvalidSetting if it can't be used as it is set up, ServiceAway if it was given up, or
        ShuttingDown if this was left before.
        """
        return await self._readiness.wait()

    async def run(self, request: GenerationRequest) -> AsyncGenerator[Stepped | Ended, None]:
        """Yield the request's steps in order, then how it ended.

        Closing the generator early, or cancelling the task that waits for it, aborts the request. Raises
        GenerationFailed if the service rejects the request, if two replicas break at the same step of it, or
        if its model goes while it runs; ModelUnreachable if no replica takes it; what :meth:`wait_ready`
        raises; ValueError if a request with this id is still running.
        """
        if request.request_id in self._running:
            raise ValueError(f"request {request.request_id} is already running")
        text = self._running[request.request_id] = Attempts()
        patience = Patience(self.pause, self.patience, self.clock)
        try:
            info = await self._readiness.wait()
            while True:
                if not text.passed_on:
                    info = self.info or info
                try:
                    async with aclosing(self._attempt(request, text, info)) as events:
                        async for event in events:
                            patience.got_further()
                            yield event
                            if isinstance(event, Ended):
                                return
                except (ServiceError, StepMissing) as error:
                    self._broke(text, error, patience)
                await self._pause(patience.next_pause())
        finally:
            del self._running[request.request_id]

    async def _attempt(
        self, request: GenerationRequest, text: Attempts, info: ModelInfo
    ) -> AsyncGenerator[Stepped | Ended, None]:
        """The events that a replica with the model ``info`` adds to ``text``; ServiceError once it breaks."""
        prefix = hash(request.prompt_ids[: len(request.prompt_ids) - request.generated])
        async with self._connection.stream(
            Submit(request),
            fingerprint=str(info.fingerprint),
            replica=self._replicas.holder(prefix),
            avoid=self._replicas.avoided,
        ) as stream:
            text.begin(stream.replica)
            self._replicas.holds(prefix, stream.replica)
            stay = Stay(self._replicas, stream.replica)
            async for message in stream:
                if isinstance(message, Capacity):
                    self._watch.heard(message)
                    continue
                if wrong := fault(message, request, vocabulary=info.vocabulary):
                    raise Unreachable(f"it sent {wrong}")
                if isinstance(message, Stepped):
                    stay.step()
                if (event := text.heard(message)) is not None:
                    if isinstance(event, Ended):
                        stay.ended()
                    yield event

    async def similar(self, token_id: int, count: int) -> tuple[Alike, ...]:
        """Return the ``count`` tokens whose embeddings are closest to this one's, closest first.

        Raises GenerationFailed if the service failed twice, and what :meth:`wait_ready` raises.
        """
        await self._readiness.wait()
        lookup = Lookup(f"lookup {next(self._lookups)}", token_id, count)
        try:
            try:
                answer = await self._connection.similar(lookup)
            except ServiceError:
                await self._pause(self.pause)
                answer = await self._connection.similar(lookup)
        except ServiceError as error:
            raise GenerationFailed(f"the service could not look up a token: {error}") from error
        if answer.tokens is None:
            raise GenerationFailed("a worker could not look up a token")
        return answer.tokens

    def forget(self) -> None:
        """Have all replicas keep nothing of any text up to now, including those in progress."""
        self._replicas.forget()
        self._watch.forget()

    async def _pause(self, seconds: float) -> None:
        """Wait; raise why, if the bot leaves meanwhile."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._left.wait()
        self._readiness.check()

    def _broke(self, text: Attempts, error: ServiceError | StepMissing, patience: Patience) -> None:
        """Note that an attempt failed; raise to give the text up."""
        self._readiness.check()
        if text.is_on_replica:
            self.restarts += 1
            self._replicas.broke(text.replica, error)
            text.broke()
        elif isinstance(error, NotConnected):
            text.not_connected()
            self._replicas.pardon(text.replica)
        elif isinstance(error, Busy) or (isinstance(error, Silent) and self.serving):
            # It waits for a place, as long as others take.
            patience.waited()
            return
        if not patience.lost():
            return
        if text.passed_on and isinstance(error, OtherModel):
            raise GenerationFailed("the model changed while it ran")
        logger.warning("a text is given up (%s)", error)
        raise ModelUnreachable(retry_after=COME_BACK)

    def _fail(self, failure: Callable[[], Failure]) -> None:
        """End everything with ``failure``, unless an earlier one already did."""
        if self._readiness.fail(failure):
            self._left.set()
