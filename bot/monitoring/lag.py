"""How late the event loop gets round to what is due."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from bot.background import Background

EVERY = 0.01  # seconds between two looks, and what a lag may be underrated by
WINDOW = 30.0  # seconds


class Lag:
    """The greatest lag, in seconds, of this window and the one before: the last 30 to 60 seconds.

    So whoever asks at least every 30 seconds misses none, and several may ask.
    """

    def __init__(self) -> None:
        self._began = 0.0
        self._before = 0.0
        self._greatest = 0.0

    def note(self, lag: float, *, now: float) -> None:
        """``now`` is in seconds of a clock that never goes back."""
        if now - self._began >= WINDOW:
            recent = now - self._began < 2 * WINDOW
            self._before, self._greatest = self._greatest if recent else 0.0, 0.0
            self._began = now
        self._greatest = max(self._greatest, lag)

    @property
    def greatest(self) -> float:
        return max(self._before, self._greatest)


@asynccontextmanager
async def watched_lag() -> AsyncIterator[Lag]:
    """The running event loop's, measured for as long as the block lasts."""
    lag = Lag()
    async with Background(partial(_watch, lag), name="event loop lag"):
        yield lag


async def _watch(lag: Lag) -> None:
    clock = asyncio.get_running_loop().time
    while True:
        due = clock() + EVERY
        await asyncio.sleep(EVERY)
        lag.note(clock() - due, now=clock())
