"""SQLite: an address, and the connection to its file or to memory."""

from __future__ import annotations

import asyncio
import sqlite3
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiosqlite
from sqlalchemy import URL, AsyncAdaptedQueuePool, Engine, event, make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from bot.store.backend import ENGINE_OPTIONS, PATIENCE, unusable

_DRIVER = "sqlite+aiosqlite"


@dataclass(frozen=True, slots=True)
class SQLite:
    url: URL

    @property
    def driver(self) -> str:
        return self.url.drivername

    @property
    def secrets(self) -> tuple[str, ...]:
        return ()

    @property
    def file(self) -> Path | None:
        """None for a database in memory, and for one named by a URI of SQLite's own."""
        name = self.url.database
        return None if not name or name.startswith((":", "file:")) else Path(name).absolute()

    async def check(self) -> None:
        """Nothing left to check: :func:`parsed` did."""

    def exists(self) -> bool:
        return self.file is None or self.file.exists()

    def engine(self) -> AsyncEngine:
        patience = {} if "timeout" in self.url.query else {"timeout": PATIENCE}
        engine = create_async_engine(
            self.url,
            **ENGINE_OPTIONS,
            # A database in memory is its one connection. Several to a file would poll for its
            # lock; for one connection they queue.
            poolclass=AsyncAdaptedQueuePool,
            pool_size=1,
            max_overflow=0,
            connect_args={**patience, "async_creator_fn": _connect},
        )
        event.listen(engine.sync_engine, "connect", _prepare)
        if self.file is not None:
            _leave_what_is_gone(engine.sync_engine, self.file)
        return engine


def parsed(url: str) -> SQLite:
    """The address in ``url``; InvalidSetting if SQLite, or its driver, does not understand it."""
    try:
        address = make_url(url).set(drivername=_DRIVER)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _, options = address.get_dialect()().create_connect_args(address)
        if not options.get("uri") and address.query.keys() - options.keys():
            raise unusable()  # SQLAlchemy would ignore them
        # It refuses values that it cannot use.
        sqlite3.connect(":memory:", **options).close()
    except Exception:  # any of them may quote the address
        raise unusable() from None
    return SQLite(address)


def _leave_what_is_gone(engine: Engine, file: Path) -> None:
    """Drop a connection whose file was removed or replaced: writes there would be lost."""

    def remember(_connection: object, record: ConnectionPoolEntry) -> None:
        record.info["file"] = _identity(file)

    def check(_connection: object, record: ConnectionPoolEntry, _proxy: object) -> None:
        if record.info["file"] != _identity(file):
            raise DisconnectionError("another file lies there now")

    event.listen(engine, "connect", remember)
    event.listen(engine, "checkout", check)


def _identity(file: Path) -> tuple[int, int] | None:
    """The same for the same file; None if there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


async def _connect(*args: Any, **options: Any) -> aiosqlite.Connection:
    """A connection; on failure, return only once its thread has ended.

    Otherwise the thread would end a moment later, and call an event loop that may be closed.
    """
    connection = aiosqlite.connect(*args, **options)
    thread = connection._thread  # noqa: SLF001 - SQLAlchemy makes it a daemon by the same name
    thread.daemon = True
    try:
        return await connection
    except sqlite3.Error:
        await asyncio.to_thread(thread.join)
        raise


def _prepare(connection: Any, _record: object) -> None:
    """Let other processes read meanwhile, and lose nothing committed if the process is killed.

    Deleting a row deletes what refers to it, which is the default everywhere but in SQLite.
    """
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA secure_delete=ON")  # what is deleted is overwritten
    cursor.close()
