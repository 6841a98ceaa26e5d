"""Background work that cannot end unnoticed.

    async with Background(tidy, name="housekeeping"):
        …

Every task that outlives the request it serves is created here. asyncio keeps a task's exception until someone
asks for it, so a bare task fails silently, and its work is never done again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self

log = logging.getLogger(__name__)

PAUSE = 1.0  # seconds before failed work is restarted
LONGEST_PAUSE = 60.0  # the pause doubles with each failure in a row, up to this


class Background:
    """Runs ``work`` in a task until it returns or the block ends.

    If the work fails, or is cancelled by anything but the end of the block, that is logged and the work
    restarts after ``pause`` seconds. The pause doubles each time it fails within LONGEST_PAUSE of its start.
    """

    def __init__(
        self, work: Callable[[], Coroutine[Any, Any, None]], *, name: str, pause: float = PAUSE
    ) -> None:
        self._work = work
        self._name = name
        self._first_pause = self._pause = pause
        self._task: asyncio.Task[None] | None = None
        self._restart: asyncio.TimerHandle | None = None
        self._began = 0.0
        self._left = False
        self._finished = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._begin()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Cancel the work and wait for its end."""
        self._left = True
        if self._restart is not None:
            self._restart.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def finished(self) -> None:
        """Wait until the work has returned."""
        await self._finished.wait()

    def _begin(self) -> None:
        self._restart = None
        self._began = asyncio.get_running_loop().time()
        self._task = asyncio.create_task(self._work(), name=self._name)
        self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if self._left:
            if error is not None:
                log.error("%s failed while ending", self._name, exc_info=error)
            return
        if error is None and not task.cancelled():
            self._finished.set()
            return
        loop = asyncio.get_running_loop()
        if loop.time() - self._began > LONGEST_PAUSE:
            self._pause = self._first_pause
        how = "was cancelled" if error is None else "failed"
        log.error("%s %s; restarting in %.1f s", self._name, how, self._pause, exc_info=error)
        self._restart = loop.call_later(self._pause, self._begin)
        self._pause = min(LONGEST_PAUSE, 2 * self._pause)
