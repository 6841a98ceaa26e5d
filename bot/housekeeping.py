"""What is done now and then, whether or not somebody asks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from bot.background import Background
from bot.errors import StoreUnavailable
from bot.runs import Runs
from bot.store.outbox import PAUSE

log = logging.getLogger(__name__)

HOUR = 3600.0


@asynccontextmanager
async def tidied(runs: Runs, *, every: float = HOUR, retry: float = PAUSE) -> AsyncIterator[None]:
    """Runs that have become too old are deleted, at once and then every so many seconds.

    What the database did not take is tried again every ``retry`` seconds, and at the end.
    """
    try:
        async with (
            Background(partial(_tidy, runs, every), name="housekeeping"),
            Background(partial(_retry, runs, retry), name="storing what waits"),
        ):
            yield
    finally:
        await runs.flush()
        if runs.unsaved:
            log.error("%d runs are lost: the database did not take them, and the bot ends", runs.unsaved)


async def _tidy(runs: Runs, every: float) -> None:
    while True:
        try:
            if deleted := await runs.delete_old():
                log.info("deleted %d runs that were too old", deleted)
        except StoreUnavailable as error:
            log.error("the database cannot be used now, so buttons are refused: %s", error.detail)
        await asyncio.sleep(every)


async def _retry(runs: Runs, every: float) -> None:
    while True:
        await asyncio.sleep(every)
        await runs.flush()
