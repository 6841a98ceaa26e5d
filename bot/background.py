"""Work that goes on beside everything else, and cannot end unnoticed.

    async with Background(tidy, name="housekeeping"):
        …

Every task that lives longer than the request it serves is made here. asyncio keeps
the exception of a task until somebody asks for it, so a bare task that fails is
silent: its work is simply never done again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self

log = logging.getLogger(__name__)

PAUSE = 1.0  # seconds before work that failed begins again
LONGEST_PAUSE = 60.0  # doubled with each failure in a row, up to this


class Background:
    """``work``, done in a task until it returns or this is left.

    Work that fails, or is cancelled by anything but leaving, is logged and begins
    again after ``pause`` seconds. The pause doubles while it fails sooner than
    LONGEST_PAUSE after it began.
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
        """End the work, and return once it has ended."""
        self._left = True
        if self._restart is not None:
            self._restart.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def finished(self) -> None:
        """Return once the work has returned."""
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
                log.error("%s failed at its end", self._name, exc_info=error)
            return
        if error is None and not task.cancelled():
            self._finished.set()
            return
        loop = asyncio.get_running_loop()
        if loop.time() - self._began > LONGEST_PAUSE:
            self._pause = self._first_pause
        how = "was cancelled" if error is None else "failed"
        log.error("%s %s, and begins again in %.1f s", self._name, how, self._pause, exc_info=error)
        self._restart = loop.call_later(self._pause, self._begin)
        self._pause = min(LONGEST_PAUSE, 2 * self._pause)
