"""Claims across the processes of one bot: what reaches several of them is done by one.

Two processes get the same interactions while one takes the other's place. So on PostgreSQL every one is
claimed in the database, and in SQLite none, which has only one process. Each claim names its process, which
alone renews it and gives it back, and ends by the database's clock.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from secrets import token_hex

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert

from bot.errors import StoreUnavailable
from bot.quoting import plural
from bot.store import tables
from bot.store.database import Database
from bot.store.shared_clock import SERVER_NOW

log = logging.getLogger(__name__)

# Seconds: an interaction must be acknowledged within three.
PATIENCE = 1.0
# Seconds for which nothing is asked of a database that has failed twice in a row: one slow answer is no sign.
PAUSE = 5.0
# Seconds after which a claim is free again that its process did not give back.
LIFETIME = 60.0

_claims = tables.claims.c


class Claims:
    """Claims in ``database``; without one, or in SQLite, everything is this process's.

    ``clock`` gives the seconds by which this process pauses, and renews. Where the database fails or is slow,
    each process decides by itself; that is logged once.
    """

    def __init__(
        self, database: Database | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database if database is not None and database.is_shared else None
        self._clock = clock
        self._us = token_hex(8)
        self._not_before = -math.inf
        self._failures = 0  # in a row
        self._lasting: dict[str, object] = {}  # by digest, each claim another object
        self._renewed = -math.inf

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
            self._lasting[_digest(key)] = object()
        return is_ours

    async def release(self, key: str) -> None:
        """Let others claim ``key``, if this process has it. It is left to its LIFETIME if the database fails.

        Call it even if the database failed as the key was taken: only the answer may have been lost.
        """
        self._lasting.pop(_digest(key), None)
        if self._database is None or self._clock() < self._not_before:
            return
        with suppress(StoreUnavailable, TimeoutError):
            async with asyncio.timeout(PATIENCE), self._database.transaction() as connection:
                ours = (_claims.key == _digest(key)) & (_claims.owner == self._us)
                await connection.execute(delete(tables.claims).where(ours))

    async def renew(self) -> None:
        """Hold what lasts for another LIFETIME; StoreUnavailable. To be called several times in each.

        What another process has taken meanwhile, or what was deleted, is let go, which is logged.
        """
        now = self._clock()
        if self._database is None or not self._lasting or now < self._renewed + LIFETIME / 3:
            return
        held = self._lasting.copy()
        ours = update(tables.claims).where(_claims.key.in_(held), _claims.owner == self._us)
        async with self._database.transaction() as connection:
            renewed = await connection.scalars(
                ours.values(until=SERVER_NOW + LIFETIME).returning(_claims.key)
            )
            gone = held.keys() - set(renewed)
        self._renewed = now
        # What was given back since the question is no loss, even if it has been taken again.
        if lost := [key for key in gone if self._lasting.get(key) is held[key]]:
            for key in lost:
                del self._lasting[key]
            what = plural(len(lost), "claim")
            log.warning("%s not renewed in time: another process may do the same once more", what)

    async def delete_old(self) -> None:
        """Delete claims that no longer hold; StoreUnavailable."""
        if self._database is None:
            return
        async with self._database.transaction() as connection:
            await connection.execute(delete(tables.claims).where(_claims.until < SERVER_NOW))

    async def _insert(self, database: Database, key: str) -> bool:
        ours = {"owner": self._us, "until": SERVER_NOW + LIFETIME}
        row = insert(tables.claims).values(key=_digest(key), **ours)
        free_again = row.on_conflict_do_update(
            index_elements=[_claims.key], set_=ours, where=_claims.until < SERVER_NOW
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
