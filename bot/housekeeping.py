"""What is done now and then, whether or not somebody asks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.errors import StoreUnavailable
from bot.runs import Runs

log = logging.getLogger(__name__)

HOUR = 3600.0


@asynccontextmanager
async def tidied(runs: Runs, *, every: float = HOUR) -> AsyncIterator[None]:
    """Runs that have become too old are deleted, at once and then every so many seconds.

    What the database did not take before is stored then, and at the end.
    """
    task = asyncio.create_task(_tidy(runs, every), name="housekeeping")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        await runs.flush()


async def _tidy(runs: Runs, every: float) -> None:
    while True:
        await runs.flush()
        try:
            if deleted := await runs.delete_old():
                log.info("deleted %d runs that were too old", deleted)
        except StoreUnavailable as error:
            log.error("old runs could not be deleted: %s", error.detail)
        await asyncio.sleep(every)
