"""Runs on their way into the database, which may fail for a while."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import islice

from sqlalchemy import insert, select

from bot.errors import StoreUnavailable
from bot.store import tables
from bot.store.database import Database
from bot.store.rows import Run, row_of

log = logging.getLogger(__name__)

# While the database fails, so many runs wait in memory for it to come back.
AT_MOST = 1_000
# So many are written at once: more would hold up the event loop.
BATCH = 50
# Seconds after a failure before the next attempt, which whoever makes it waits for.
PAUSE = 5.0


class Outbox:
    """What waits to be written, the oldest first. ``clock`` gives seconds."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self._runs: OrderedDict[str, Run] = OrderedDict()
        self._sending = asyncio.Lock()
        self._not_before = 0.0

    def __len__(self) -> int:
        return len(self._runs)

    def get(self, run_id: str) -> Run | None:
        return self._runs.get(run_id)

    def put(self, run: Run) -> None:
        """Let ``run`` wait; where too many do, the oldest is lost."""
        self._runs[run.run_id] = run
        while len(self._runs) > AT_MOST:
            lost, _ = self._runs.popitem(last=False)
            log.error("run %s is lost: too many wait for the database", lost)

    def drop(self, unwanted: Callable[[Run], bool]) -> int:
        """Take out all ``unwanted`` ones; how many."""
        dropped = [run_id for run_id, run in self._runs.items() if unwanted(run)]
        for run_id in dropped:
            del self._runs[run_id]
        return len(dropped)

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Nothing is written meanwhile."""
        async with self._sending:
            yield

    async def send(self, *, at_once: bool = False) -> None:
        """Write what waits. If the database failed a moment ago, it goes on waiting, unless ``at_once``."""
        async with self._sending:
            try:
                while self._runs and (at_once or self._clock() >= self._not_before):
                    await self._send_some()
            except StoreUnavailable as error:
                self._not_before = self._clock() + PAUSE
                log.error("%d runs could not be stored yet: %s", len(self._runs), error.detail)

    async def _send_some(self) -> None:
        batch = dict(islice(self._runs.items(), BATCH))
        async with self._database.transaction() as connection:
            # A commit whose answer was lost has stored them, though it seemed to fail.
            there = set(
                await connection.scalars(select(tables.runs.c.run_id).where(tables.runs.c.run_id.in_(batch)))
            )
            rows = [row_of(run) for run_id, run in batch.items() if run_id not in there]
            if rows:
                await connection.execute(insert(tables.runs), rows)
        self._not_before = 0.0
        for run_id in batch:
            self._runs.pop(run_id, None)
