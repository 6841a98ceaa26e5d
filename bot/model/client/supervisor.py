"""Keeps a model worker running: starts it, receives its messages, and replaces it when it breaks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import KW_ONLY, dataclass, field

from bot.model.client.child import Child
from bot.model.client.heartbeat import WorkerBroken
from bot.model.client.readiness import Readiness, Restarts
from bot.model.protocol import FromWorker, ToWorker

logger = logging.getLogger(__name__)


@dataclass(eq=False)
class Supervisor:
    """Runs one worker after another until ``readiness`` has failed.

    ``start`` starts a worker; ``receive`` gets each of its messages, and raises
    WorkerBroken to have it replaced; ``died`` is called after each death; ``give_up`` is
    called with the problem once a model that was never ready has failed to start too often.
    """

    start: Callable[[], AbstractAsyncContextManager[Child]]
    _: KW_ONLY
    readiness: Readiness
    restarts: Restarts
    receive: Callable[[FromWorker], Awaitable[None]]
    died: Callable[[], None]
    give_up: Callable[[str], None]

    child: Child | None = field(default=None, init=False)  # None between two workers
    serving: bool = field(default=False, init=False)  # the current worker said Ready
    launched: asyncio.Event = field(default_factory=asyncio.Event, init=False)  # or failed to start

    def ready(self) -> None:
        """Count the current worker's start as a success."""
        self.serving = True
        self.restarts.ready()

    def send(self, message: ToWorker) -> None:
        """Send a message to the current worker; without one it is dropped."""
        if self.child is not None:
            self.child.send(message)

    async def run(self) -> None:
        while not self.readiness.failed:
            self.restarts.start()
            cause = await self._run_one()
            self.died()
            if self.readiness.info is None and self.restarts.hopeless:
                times = self.restarts.failed_starts
                self.give_up(f"its worker died {times} times while loading it: {cause}.")
            elif not self.readiness.failed:
                pause = self.restarts.again()
                logger.warning("the model worker broke (%s); starting a new one in %.1f s", cause, pause)
                await asyncio.sleep(pause)

    async def _run_one(self) -> str:
        """Start a worker and receive its messages until it breaks; return the cause."""
        child: Child | None = None
        try:
            async with self.start() as child:
                self.child = child
                self.launched.set()
                try:
                    while not self.readiness.failed:
                        await self.receive(await child.receive())
                finally:
                    self.child, self.serving, self.readiness.loading = None, False, None
            cause = "the model cannot be used"
        except (WorkerBroken, OSError) as error:
            cause = str(error)
        except Exception as error:
            # A defect of ours. The worker has been ended, and a new one may do.
            logger.exception("the model worker could not be served")
            cause = f"serving it failed with {type(error).__name__}"
        self.launched.set()
        return f"{cause}, {child.exit_reason()}" if child else cause
