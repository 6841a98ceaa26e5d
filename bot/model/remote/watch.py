"""What a model service says of itself: which model it has, what it can do now, whether it is away."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, field
from functools import partial

from bot.errors import InvalidSetting, ModelUnusable, ServiceAway
from bot.model.client.readiness import Failure, Readiness
from bot.model.model_info import ModelInfo
from bot.model.protocol import Capacity, Loading, Ready
from bot.model.remote.absence import Absence, Bounds
from bot.model.remote.connection import Connection, NotConnected, ServiceError, Unfit
from bot.quoting import duration

logger = logging.getLogger(__name__)

LOOKS = 2.0  # seconds from one look at the service to the next
AWAY = 10.0  # seconds without a word from it, after which it counts as away
SETTLED = 10.0  # seconds for which only another model answers, before the bot goes over to it

# What people read meanwhile.
WAITING = Loading("waiting for the model service to answer", 0, 0, "")
STARTING = Loading("the model service is starting", 0, 0, "")

_NOTHING = Capacity(replicas=0, machines=0, slots=0, fingerprint="")
_ALLOWED = {
    "MODEL_KEY": "the MODEL_KEY that the service was started with",
    "MODEL_URL": "the address of a model service of this version of the bot",
}


@dataclass(eq=False)
class Watch:
    """Looks at the service again and again, and keeps ``readiness`` up to date.

    The bot goes over to another model only when ``has_begun`` says that no text of the old one is left.
    ``fail`` is called once the service turns out to be of no use. ``on_ready`` is called in a thread of its
    own with every model, before that counts as ready. A service that was never ready is given up after
    ``bounds``, if there are any.
    """

    connection: Connection
    readiness: Readiness
    _: KW_ONLY
    on_ready: Callable[[Ready], None] | None
    has_begun: Callable[[], bool]
    fail: Callable[[Callable[[], Failure]], None]
    bounds: Bounds | None = None
    clock: Callable[[], float] = time.monotonic

    _capacity: Capacity = field(default=_NOTHING, init=False)
    _heard_at: float = field(default=-math.inf, init=False)
    _is_away: bool = field(default=False, init=False)
    _absence: Absence = field(init=False)
    _other_since: float | None = field(default=None, init=False)
    _owes_forgetting: bool = field(default=False, init=False)
    _wanted: asyncio.Event = field(default_factory=asyncio.Event, init=False)  # at once

    def __post_init__(self) -> None:
        self._absence = Absence(self.clock)

    @property
    def capacity(self) -> Capacity:
        """What the service can do now: nothing while it is away."""
        return self._capacity if self._is_heard else _NOTHING

    @property
    def _is_heard(self) -> bool:
        return self.clock() - self._heard_at < AWAY

    def heard(self, capacity: Capacity) -> None:
        """Take what the service said, be it asked or in the stream of a text."""
        if self._is_away:
            self._is_away = False
            self._absence.ends()
            logger.info("the model service is back")
            if self.readiness.info is not None:
                self.readiness.ready(self.readiness.info)
        self._capacity, self._heard_at = capacity, self.clock()

    def forget(self) -> None:
        """Have the service forget all texts so far, as soon as it hears it."""
        self._owes_forgetting = True
        self._wanted.set()

    async def run(self) -> None:
        """Look until there is nothing more to expect of the service."""
        while not self.readiness.failed:
            self._wanted.clear()
            try:
                await self._look()
            except Unfit as error:
                if self.readiness.info is None:
                    self.fail(partial(_invalid, error))
                else:
                    self._not_heard(error)
            except ServiceError as error:
                self._not_heard(error)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOKS):
                    await self._wanted.wait()

    async def _look(self) -> None:
        if self._owes_forgetting:
            self._owes_forgetting = False
            try:
                await self.connection.forget()
            except BaseException:
                self._owes_forgetting = True
                raise
        capacity = await self.connection.capacity()
        info = self.readiness.info
        if info is None or self._goes_over(info, capacity):
            await self._learn(info)
        self.heard(capacity)

    def _goes_over(self, info: ModelInfo, capacity: Capacity) -> bool:
        """Whether to go over to the model that ``capacity`` tells of."""
        if capacity.fingerprint == str(info.fingerprint):
            self._other_since = None
            return False
        now = self.clock()
        if self._other_since is None:
            self._other_since = now
        return now - self._other_since >= SETTLED and not self.has_begun()

    async def _learn(self, before: ModelInfo | None) -> None:
        ready = await self.connection.model()
        if self.on_ready is not None:
            await asyncio.to_thread(self.on_ready, ready)
        if before is not None and ready.info.encoding != before.encoding:
            # Waiting requests were encoded for the old one. A restarted bot gets all of it right.
            problem = "its tokenizer became another one while the bot ran."
            self.fail(partial(ModelUnusable, ready.info.title, problem=problem, reason="fault"))
            return
        logger.info("the model is ready: %s, %s", ready.info.title, ready.info.fingerprint)
        self._other_since = None
        self._is_away = False
        self._absence.ends()
        self.readiness.ready(ready.info)

    def _not_heard(self, error: ServiceError) -> None:
        """Say that the service is away, and give it up after ``bounds``."""
        if self._is_heard:  # it streams texts, and may only be slow to answer
            return
        self._is_away = True
        is_there = not isinstance(error, NotConnected)
        if self._absence.lasts(is_there=is_there):
            self._say(error)
        self.readiness.show(STARTING if is_there else WAITING)
        if self.readiness.info is None and self.bounds is not None and self._absence.exceeds(self.bounds):
            address, problem = str(self.connection.address), str(error) if is_there else None
            seconds = self._absence.seconds if is_there else self._absence.alone
            self.fail(partial(ServiceAway, address=address, seconds=seconds, problem=problem))

    def _say(self, error: ServiceError) -> None:
        address, seconds = self.connection.address, self._absence.seconds
        since = f", for {duration(seconds)} now" if seconds >= 1 else ""
        logger.warning("the model service at %s is not ready%s (%s); trying again", address, since, error)


def _invalid(error: Unfit) -> InvalidSetting:
    return InvalidSetting(error.variable, problem=error.problem, allowed=_ALLOWED[error.variable])
