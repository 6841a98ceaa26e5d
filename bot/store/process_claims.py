"""Claims across the processes of one bot: what reaches several of them is done by one.

Two processes get the same interactions while one takes the other's place. So on PostgreSQL every one is
claimed in the database, and in SQLite none, which has only one process.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert

from bot.errors import StoreUnavailable
from bot.store import tables
from bot.store.database import Database

log = logging.getLogger(__name__)

# Seconds: an interaction must be acknowledged within three.
PATIENCE = 1.0
# Seconds for which nothing is asked of a database that has failed twice in a row: one slow answer is no sign.
PAUSE = 5.0
# Seconds after which a claim is free again that its process did not give back.
LIFETIME = 60.0

_claims = tables.claims.c


class Claims:
    """Claims in ``database``; without one, or in SQLite, everything is this process's. ``clock`` gives
    seconds since 1970.

    Where the database fails or is slow, each process decides by itself; that is logged once.
    """

    def __init__(self, database: Database | None = None, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database if database is not None and database.is_shared else None
        self._clock = clock
        self._not_before = 0.0
        self._failures = 0  # in a row
        self._lasting: set[str] = set()  # digests
        self._renewed = 0.0

    @property
    def are_needed(self) -> bool:
        """Whether there may be other processes."""
        return self._database is not None

    async def take(self, key: str, *, patience: float = PATIENCE, lasting: bool = False) -> bool:
        """Claim ``key`` for LIFETIME, or ``lasting`` until it is released; false if another process has it.

        True as well if the database does not answer within ``patience`` seconds.
        """
        if self._database is None or self._clock() < self._not_before:
            return True
        try:
            async with asyncio.timeout(patience):
                is_ours = await self._insert(self._database, key)
        except (StoreUnavailable, TimeoutError) as error:
            self._failed(error)
            return True
        self._failures = 0
        if is_ours and lasting:
            self._lasting.add(_digest(key))
        return is_ours

    async def release(self, key: str) -> None:
        """Let others claim ``key``. It is only left to its LIFETIME if the database fails."""
        self._lasting.discard(_digest(key))
        if self._database is None or self._clock() < self._not_before:
            return
        with suppress(StoreUnavailable, TimeoutError):
            async with asyncio.timeout(PATIENCE), self._database.transaction() as connection:
                await connection.execute(delete(tables.claims).where(_claims.key == _digest(key)))

    async def renew(self) -> None:
        """Hold what lasts for another LIFETIME; StoreUnavailable. To be called several times in each."""
        now = self._clock()
        if self._database is None or not self._lasting or now < self._renewed + LIFETIME / 3:
            return
        ours = update(tables.claims).where(_claims.key.in_(self._lasting))
        async with self._database.transaction() as connection:
            await connection.execute(ours.values(until=now + LIFETIME))
        self._renewed = now

    async def delete_old(self) -> None:
        """Delete claims that no longer hold; StoreUnavailable."""
        if self._database is None:
            return
        async with self._database.transaction() as connection:
            await connection.execute(delete(tables.claims).where(_claims.until < self._clock()))

    async def _insert(self, database: Database, key: str) -> bool:
        now = self._clock()
        row = insert(tables.claims).values(key=_digest(key), until=now + LIFETIME)
        free_again = row.on_conflict_do_update(
            index_elements=[_claims.key], set_={"until": now + LIFETIME}, where=_claims.until < now
        )
        async with database.transaction() as connection:
            return await connection.scalar(free_again.returning(_claims.key)) is not None

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        if self._failures > 1:
            self._not_before = self._clock() + PAUSE
        else:
            detail = error.detail if isinstance(error, StoreUnavailable) else "no answer in time"
            log.warning("answering without asking other processes: %s", detail)


def _digest(key: str) -> str:
    """Keys name people and servers; their digests do not."""
    return sha256(key.encode()).hexdigest()[:32]
