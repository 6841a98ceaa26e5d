"""The database: opened once, asked in short transactions, allowed to fail."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiosqlite
from sqlalchemy import URL, AsyncAdaptedQueuePool, Engine, event, insert, make_url, select, text
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from bot.errors import InvalidSetting, StoreUnavailable
from bot.store.tables import metadata, versions

log = logging.getLogger(__name__)

IN_MEMORY = "sqlite://"
# Seconds to wait for a file that another process has locked, or for a server. By then
# Discord has been answered, but somebody waits for their card.
PATIENCE = 2.0
# Seconds to wait for one of the connections: a whole channel may vote at once.
_TURN = 3.0
# Raise it with every change of a table, or of what is in a JSON column.
SCHEMA = 1

# What a database raises that fails; a damaged SQLite file also texts that are none.
_FAILURES = (SQLAlchemyError, OSError, TimeoutError, UnicodeError)
# SQLite shows the value that it cannot decode.
_A_ROW_S = re.compile(r" with text '.*", re.DOTALL)

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
        except _FAILURES as error:
            # Whatever it was, the tables may be gone with it: another file lies there, or another server.
            self._furnished = False
            raise StoreUnavailable(_said(error)) from error

    async def wipe(self) -> None:
        """Let nothing of what was deleted stay in SQLite's journal, if that is possible now."""
        if self._engine.dialect.name != "sqlite":
            return
        try:
            async with self._engine.connect() as connection:
                # A checkpoint is taken outside of transactions.
                await connection.execution_options(isolation_level="AUTOCOMMIT")
                await connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        except _FAILURES as error:
            log.warning("the database's journal could not be emptied: %s", _said(error))

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


def _said(error: BaseException) -> str:
    """What failed, in one line, and without anything that was in a row."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    text = _A_ROW_S.sub("", str(cause)).strip()
    return f"{type(cause).__name__}: {text.splitlines()[0]}" if text else type(cause).__name__


def _read_json(text: str | bytes) -> object:
    try:
        return json.loads(text)
    except ValueError:
        raise StoreUnavailable("a row is damaged: no JSON where some should be") from None


def _engine(url: str) -> AsyncEngine:
    address = parsed(url)
    if address.get_backend_name() == "sqlite":
        return _sqlite(address)
    return create_async_engine(
        address,
        json_deserializer=_read_json,
        hide_parameters=True,  # what people wrote must not get into an error, and so into a log
        pool_pre_ping=True,  # a server that was restarted is no failure
        pool_timeout=_TURN,
        connect_args={"timeout": PATIENCE, "command_timeout": PATIENCE},
    )


def _sqlite(address: URL) -> AsyncEngine:
    engine = create_async_engine(
        address,
        json_deserializer=_read_json,
        hide_parameters=True,
        # A database in memory is its one connection. Those of a file would wait for each
        # other by trying again and again; for a connection they wait in line.
        poolclass=AsyncAdaptedQueuePool,
        pool_size=1,
        max_overflow=0,
        pool_timeout=_TURN,
        connect_args={"timeout": PATIENCE, "async_creator_fn": _connect_sqlite},
    )
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    if address.database and not address.database.startswith((":", "file:")):
        _leave_what_is_gone(engine.sync_engine, Path(address.database).absolute())
    return engine


def _leave_what_is_gone(engine: Engine, file: Path) -> None:
    """Use no connection whose file was taken away or replaced: what is written there is nowhere."""

    def remember(_connection: object, record: ConnectionPoolEntry) -> None:
        record.info["file"] = _identity(file)

    def check(_connection: object, record: ConnectionPoolEntry, _proxy: object) -> None:
        if record.info["file"] != _identity(file):
            raise DisconnectionError("another file lies there now")

    event.listen(engine, "connect", remember)
    event.listen(engine, "checkout", check)


def _identity(file: Path) -> tuple[int, int] | None:
    """The same as long as it is the same file; None where there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


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
    """Let other processes read meanwhile; a killed process loses nothing committed.

    What belongs to a row that is deleted goes with it, as everywhere but in SQLite.
    """
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA secure_delete=ON")  # what is deleted is overwritten
    cursor.close()
