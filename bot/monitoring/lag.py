"""The event loop's lag: how late it gets round to what is due."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from bot.background import Background

EVERY = 0.01  # seconds between two samples; a lag may be underestimated by as much
WINDOW = 30.0  # seconds


class Lag:
    """The greatest lag, in seconds, of this window and the one before: of the last 30 to 60 seconds.

    A tool that asks at least every 30 seconds misses none, and several tools may ask.
    """

    def __init__(self) -> None:
        self._began = 0.0
        self._before = 0.0
        self._greatest = 0.0

    def note(self, lag: float, *, now: float) -> None:
        """Record one sample; ``now`` is monotonic, in seconds."""
        if now - self._began >= WINDOW:
            is_next_window = now - self._began < 2 * WINDOW
            self._before, self._greatest = self._greatest if is_next_window else 0.0, 0.0
            self._began = now
        self._greatest = max(self._greatest, lag)

    @property
    def greatest(self) -> float:
        return max(self._before, self._greatest)


@asynccontextmanager
async def measured_lag() -> AsyncIterator[Lag]:
    """Measure the running event loop for the duration of the block."""
    lag = Lag()
    async with Background(partial(_measure, lag), name="event loop lag"):
        yield lag


async def _measure(lag: Lag) -> None:
    clock = asyncio.get_running_loop().time
    while True:
        due = clock() + EVERY
        await asyncio.sleep(EVERY)
        lag.note(clock() - due, now=clock())
