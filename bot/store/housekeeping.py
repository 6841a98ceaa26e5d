"""What is done every now and then: old runs go, and waiting ones are stored."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial

from bot.background import Background
from bot.errors import StoreUnavailable
from bot.quoting import plural
from bot.store.outbox import PAUSE
from bot.store.process_claims import Claims
from bot.store.process_locks import Lock, ProcessLocks
from bot.store.runs import Runs

log = logging.getLogger(__name__)

HOUR = 3600.0
LAST_ATTEMPT = 5.0  # seconds to store what waits when the bot ends


@asynccontextmanager
async def tidied(
    runs: Runs,
    *,
    every: float = HOUR,
    retry: float = PAUSE,
    on_deleted: Callable[[], object] = lambda: None,
    locks: ProcessLocks | None = None,
    claims: Claims | None = None,
) -> AsyncIterator[None]:
    """Delete runs that are too old, now and ``every`` so often (in seconds).

    ``on_deleted`` is called when there were some, so that others drop their texts too, and when other
    processes have deleted texts. Storing what the database did not take, and wiping what its files still
    hold, is tried again every ``retry`` seconds and on leaving. With ``locks``, one process at a time
    deletes; ``claims`` that no longer hold are deleted as well, and those that last are renewed.
    """
    claims = claims or Claims()
    tidy = partial(_tidy, runs, every, on_deleted, locks or ProcessLocks(), claims)
    try:
        async with (
            Background(tidy, name="housekeeping"),
            Background(partial(_retry, runs, retry, on_deleted, claims), name="storing what waits"),
        ):
            yield
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_ATTEMPT):
                await runs.flush()
                await runs.wipe()
        if runs.unsaved:
            lost = plural(runs.unsaved, "run")
            log.error("lost %s: the database was unavailable until the bot ended", lost)


async def _tidy(
    runs: Runs, every: float, on_deleted: Callable[[], object], locks: ProcessLocks, claims: Claims
) -> None:
    while True:
        deleted = 0
        try:
            async with locks.held(Lock.HOUSEKEEPING):
                async for portion in runs.deleting_old():
                    deleted += portion
                await claims.delete_old()
        except StoreUnavailable as error:
            log.error("the database is unavailable, so buttons are refused: %s", error.detail)
        if deleted:
            log.info("deleted %d old runs", deleted)
            on_deleted()
        await asyncio.sleep(every)


async def _retry(runs: Runs, every: float, on_deleted: Callable[[], object], claims: Claims) -> None:
    while True:
        await asyncio.sleep(every)
        await runs.flush()
        if await runs.others_deleted():
            on_deleted()
        await runs.wipe()
        with suppress(StoreUnavailable):
            await claims.renew()
