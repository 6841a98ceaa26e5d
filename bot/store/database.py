"""The database: opened once, asked in short transactions, allowed to fail."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiosqlite
from sqlalchemy import URL, AsyncAdaptedQueuePool, event, insert, make_url, select, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.errors import InvalidSetting, StoreUnavailable
from bot.store.tables import metadata, versions

log = logging.getLogger(__name__)

IN_MEMORY = "sqlite://"
# Seconds to wait for a file that another process has locked, or for a server: a
# button waits for it, and Discord for the button, three seconds at most.
PATIENCE = 0.8
# Seconds to wait for one of the connections.
_TURN = 0.5
# Raise it with every change of a table, or of what is in a JSON column.
SCHEMA = 1

_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+asyncpg",
    "postgres": "postgresql+asyncpg",
}


class Database:
    """An SQLite file or a PostgreSQL server, with the tables in it.

    They are made before the first transaction, not when this is: a server that
    cannot be reached yet keeps nobody from starting.
    """

    def __init__(self, url: str) -> None:
        self._engine = _engine(url)
        self._furnished = False
        self._furnishing: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """A transaction, rolled back by whatever is raised in it.

        StoreUnavailable if the database fails, at whatever point.
        """
        try:
            await self._furnish()
            async with self._engine.begin() as connection:
                yield connection
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            raise StoreUnavailable(f"{type(error).__name__}: {error}") from error

    async def wipe(self) -> None:
        """Let nothing of what was deleted stay in SQLite's journal, if that is possible now."""
        if self._engine.dialect.name != "sqlite":
            return
        try:
            async with self._engine.connect() as connection:
                # A checkpoint is taken outside of transactions.
                await connection.execution_options(isolation_level="AUTOCOMMIT")
                await connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("the database's journal could not be emptied: %s", error)

    async def close(self) -> None:
        if self._furnishing is not None:
            self._furnishing.cancel()
            await asyncio.wait([self._furnishing])
        await self._engine.dispose()

    async def _furnish(self) -> None:
        """Make the tables, once. Everybody who waits for it shares one attempt, and its failure."""
        if self._furnished:
            return
        if self._furnishing is None:
            self._furnishing = asyncio.create_task(self._make_tables())
            self._furnishing.add_done_callback(self._made)
        await asyncio.shield(self._furnishing)

    def _made(self, attempt: asyncio.Task[None]) -> None:
        self._furnishing = None
        self._furnished = not attempt.cancelled() and attempt.exception() is None

    async def _make_tables(self) -> None:
        async with self._engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
            made_by = await connection.scalar(select(versions.c.schema))
            if made_by is None:
                await connection.execute(insert(versions).values(schema=SCHEMA))
            elif made_by != SCHEMA:
                raise StoreUnavailable(
                    f"the database has the tables of another version ({made_by}, not {SCHEMA}): "
                    "give DATABASE_URL a new one"
                )


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    """The database at ``url``, closed on leaving."""
    database = Database(url)
    try:
        yield database
    finally:
        await database.close()


def parsed(url: str) -> URL:
    """``url`` with the driver that is used; InvalidSetting if it names no database of ours."""
    try:
        given = make_url(url)
    except ArgumentError:
        given = None
    kind = given.get_backend_name() if given is not None else ""
    if given is None or kind not in _DRIVERS:
        # The address may hold a password, so it is not repeated.
        raise InvalidSetting(
            "DATABASE_URL",
            problem="is no address of a database",
            allowed="sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE",
        )
    return given.set(drivername=_DRIVERS[kind])


def _engine(url: str) -> AsyncEngine:
    address = parsed(url)
    if address.get_backend_name() == "sqlite":
        return _sqlite(address)
    return create_async_engine(
        address,
        hide_parameters=True,  # what people wrote must not get into an error, and so into a log
        pool_pre_ping=True,  # a server that was restarted is no failure
        pool_timeout=_TURN,
        connect_args={"timeout": PATIENCE, "command_timeout": PATIENCE},
    )


def _sqlite(address: URL) -> AsyncEngine:
    pool: dict[str, Any] = {}
    if address.database in (None, "", ":memory:"):
        # A database in memory is its one connection, which can have one transaction at a time.
        pool = {"poolclass": AsyncAdaptedQueuePool, "pool_size": 1, "max_overflow": 0}
    engine = create_async_engine(
        address,
        hide_parameters=True,
        pool_timeout=_TURN,
        connect_args={"timeout": PATIENCE, "async_creator_fn": _connect_sqlite},
        **pool,
    )
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    return engine


async def _connect_sqlite(*args: Any, **options: Any) -> aiosqlite.Connection:
    """A connection; where there can be none, its thread has ended as well.

    Left alone it would end a moment later, and tell an event loop that is closed by then.
    """
    connection = aiosqlite.connect(*args, **options)
    thread = connection._thread  # noqa: SLF001 - SQLAlchemy makes it a daemon by the same name
    thread.daemon = True
    try:
        return await connection
    except sqlite3.Error:
        await asyncio.to_thread(thread.join)
        raise


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Let readers and a writer work side by side; a killed process loses nothing committed.

    What belongs to a row that is deleted goes with it, as everywhere but in SQLite.
    """
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA secure_delete=ON")  # what is deleted is overwritten
    cursor.close()
