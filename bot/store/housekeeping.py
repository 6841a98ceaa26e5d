"""What is done now and then, whether or not somebody asks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial

from bot.background import Background
from bot.errors import StoreUnavailable
from bot.store.outbox import PAUSE
from bot.store.runs import Runs

log = logging.getLogger(__name__)

HOUR = 3600.0
LAST_ATTEMPT = 5.0  # seconds for the database to take what waits, when the bot ends


@asynccontextmanager
async def tidied(
    runs: Runs,
    *,
    every: float = HOUR,
    retry: float = PAUSE,
    on_deleted: Callable[[], object] = lambda: None,
) -> AsyncIterator[None]:
    """Runs that have become too old are deleted, at once and then every so many seconds.

    ``on_deleted`` is called when some were, for whatever else still knows their texts.
    What the database did not take, and what it could not wipe out of its files, is tried
    again every ``retry`` seconds, and at the end.
    """
    try:
        async with (
            Background(partial(_tidy, runs, every, on_deleted), name="housekeeping"),
            Background(partial(_retry, runs, retry), name="storing what waits"),
        ):
            yield
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_ATTEMPT):
                await runs.flush()
                await runs.wipe()
        if runs.unsaved:
            log.error("%d runs are lost: the database did not take them, and the bot ends", runs.unsaved)


async def _tidy(runs: Runs, every: float, on_deleted: Callable[[], object]) -> None:
    while True:
        try:
            if deleted := await runs.delete_old():
                log.info("deleted %d runs that were too old", deleted)
                on_deleted()
        except StoreUnavailable as error:
            log.error("the database cannot be used now, so buttons are refused: %s", error.detail)
        await asyncio.sleep(every)


async def _retry(runs: Runs, every: float) -> None:
    while True:
        await asyncio.sleep(every)
        await runs.flush()
        await runs.wipe()
