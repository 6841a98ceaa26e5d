"""A transaction in which to bring a database forward, while no other process does so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import func, inspect, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.errors import StoreUnavailable
from bot.store.tables import metadata

# Seconds that one statement of a migration may take, and that another process's migration is waited for.
LONGEST = 600.0
# Seconds between two looks at whether that one has ended.
_PAUSE = 0.2
# Any number, as long as it is always the same, and nothing else locks it.
_KEY = int.from_bytes(b"migrates")
# PostgreSQL's code for a lock that is not free.
_TAKEN = "55P03"


@asynccontextmanager
async def alone(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A transaction that no other process has at the same time; it reads what the last one has left.

    It holds SQLite's write lock, or an advisory lock of PostgreSQL's, which stops nothing else.
    StoreUnavailable if another process does not end in time.
    """
    async with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            # Python's driver would begin a transaction only before it first writes to a row.
            await connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection
            return
        await _lock(connection)
        async with _patient(connection):
            yield connection


async def _lock(connection: AsyncConnection) -> None:
    """Asked for again and again: each answer has to come soon, so a silent server is still noticed."""
    end = asyncio.get_running_loop().time() + LONGEST
    while not await connection.scalar(select(func.pg_try_advisory_xact_lock(_KEY))):
        if asyncio.get_running_loop().time() > end:
            raise StoreUnavailable("another process has been migrating the database for too long")
        await asyncio.sleep(_PAUSE)


async def reserve(connection: AsyncConnection) -> None:
    """Keep other programs, such as a bot that is still running, from all tables until the transaction ends.

    SQLite does so anyway. A PostgreSQL would let them in until a revision changes their table, and each would
    then wait for what the other one holds. All tables are taken at once or none, for the same reason.
    StoreUnavailable if they are never free.
    """
    if connection.dialect.name == "sqlite":
        return
    there = await connection.run_sync(lambda to: set(inspect(to).get_table_names()))
    names = ", ".join(name for name in metadata.tables if name in there)
    if not names:
        return
    end = asyncio.get_running_loop().time() + LONGEST
    while True:
        try:
            async with connection.begin_nested():
                await connection.execute(text(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE NOWAIT"))
            return
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != _TAKEN:
                raise
            if asyncio.get_running_loop().time() > end:
                raise StoreUnavailable("other programs never leave the tables alone") from None
        await asyncio.sleep(_PAUSE / 10)


@asynccontextmanager
async def _patient(connection: AsyncConnection) -> AsyncIterator[None]:
    """Wait longer for the server's answers: an index of a large table takes its time."""
    driver: Any = (await connection.get_raw_connection()).driver_connection
    before = driver.patience
    driver.patience = LONGEST
    try:
        yield
    finally:
        driver.patience = before
