"""Locks that hold across all processes of one bot: PostgreSQL's advisory locks.

Each is held by an open transaction, so it ends with its process or its connection, and PgBouncer may pass
transactions on to any connection of its own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from enum import IntEnum

from sqlalchemy import func, select

from bot.errors import StoreUnavailable
from bot.store.database import Database

log = logging.getLogger(__name__)

# Seconds between two attempts. Waiting in PostgreSQL itself would look like a server that hangs.
_PAUSE = 0.2


class Lock(IntEnum):
    """What is locked. The numbers are PostgreSQL's first key, so that other programs' locks stay apart."""

    IDENTIFY = 0x746F_6B00  # with the number of a bucket
    COMMANDS = 0x746F_6B01
    HOUSEKEEPING = 0x746F_6B02
    FORGETTING = 0x746F_6B03  # with a number made of whom a run is of: see bot.store.marks


class ProcessLocks:
    """Locks in ``database``; none without one, or in SQLite, which has only one process."""

    def __init__(self, database: Database | None = None) -> None:
        self._database = database if database is not None and database.is_shared else None
        self._is_failing = False

    @asynccontextmanager
    async def held(self, lock: Lock, number: int = 0) -> AsyncIterator[None]:
        """Wait until no other process has the lock, and hold it for the block.

        Where the database fails there is none: every process then does as if it were alone.
        """
        holding = await self._wait_for(lock, number)
        try:
            yield
        finally:
            with suppress(StoreUnavailable):  # the lock went with the connection
                await holding.aclose()

    async def _wait_for(self, lock: Lock, number: int) -> AsyncExitStack:
        if self._database is None:
            return AsyncExitStack()
        try:
            while (holding := await _try(self._database, lock, number)) is None:  # noqa: ASYNC110
                await asyncio.sleep(_PAUSE)
        except StoreUnavailable as error:
            if not self._is_failing:
                log.warning("doing without locks between processes: %s", error.detail)
            self._is_failing = True
            return AsyncExitStack()
        self._is_failing = False
        return holding


async def _try(database: Database, lock: Lock, number: int) -> AsyncExitStack | None:
    """An open transaction that has the lock; None if another has it. StoreUnavailable."""
    async with AsyncExitStack() as stack:
        connection = await stack.enter_async_context(database.transaction())
        may_be_idle = func.set_config("idle_in_transaction_session_timeout", "0", True)  # until it ends
        if await connection.scalar(select(func.pg_try_advisory_xact_lock(int(lock), number), may_be_idle)):
            return stack.pop_all()
    return None
