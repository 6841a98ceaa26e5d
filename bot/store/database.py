"""The database: opened once, used in short transactions, allowed to fail."""

from __future__ import annotations

import asyncio
import logging
import re
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError, StatementError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import DatabaseNewer, StoreUnavailable
from bot.store.address import parsed
from bot.store.backend import PATIENCE
from bot.store.migrating import alone, reserve
from bot.store.migrations import NEWEST, State, bring_forward, load, state_of

log = logging.getLogger(__name__)

IN_MEMORY = "sqlite://"
# Seconds that a transaction waits for the tables to be made or brought forward, which goes on after that.
_FOR_TABLES = 10 * PATIENCE

# SQLite quotes a value that it cannot decode.
_A_ROW_S = re.compile(r" with text '.*", re.DOTALL)


class Database:
    """An SQLite file or a PostgreSQL server, with the tables in it.

    The tables are made, or brought forward, before the first transaction, not on construction: the
    bot starts while its server cannot be reached yet.
    """

    def __init__(self, url: str) -> None:
        self._engine = parsed(url).engine()
        self._was: State | None = None  # once the tables are made
        self._furnishing: asyncio.Task[State] | None = None
        self._wiping: asyncio.Task[bool] | None = None

    @property
    def is_shared(self) -> bool:
        """Whether several processes may use it at once."""
        return self._engine.dialect.name != "sqlite"

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """A transaction, rolled back by any exception in it.

        StoreUnavailable if the database fails, at any point and with any exception of its driver's.
        Other exceptions in the block are raised as they are.
        """
        not_its_fault: BaseException | None = None
        try:
            await self._furnish(_FOR_TABLES)
            async with self._engine.begin() as connection:
                try:
                    yield connection
                except BaseException as error:
                    if not _comes_from_the_database(error):
                        not_its_fault = error
                    raise
        except Exception as error:
            if not_its_fault is not None:
                raise not_its_fault  # noqa: B904 - rolling back may have failed too, which says less
            # The tables may be gone: there may be another file now, or another server.
            self._was = None
            if isinstance(error, StoreUnavailable):
                raise
            raise StoreUnavailable(
                str(error) if isinstance(error, DatabaseNewer) else _said(error)
            ) from error

    async def prepare(self) -> State:
        """Make the tables or bring them forward now, however long it takes; return what the database was.

        DatabaseNewer, after which it is as it was; StoreUnavailable.
        """
        try:
            return await self._furnish(None)
        except (DatabaseNewer, StoreUnavailable):
            raise
        except Exception as error:
            raise StoreUnavailable(_said(error)) from error

    async def state(self) -> State:
        """What the database is, without bringing it forward; raises as :meth:`prepare`."""
        try:
            async with self._engine.connect() as connection:
                return await connection.run_sync(state_of)
        except DatabaseNewer:
            raise
        except Exception as error:
            raise StoreUnavailable(_said(error)) from error

    async def wipe(self) -> bool:
        """Empty SQLite's journal; True if nothing deleted is left in its files.

        False while another program reads an older state of the database.
        """
        if self._engine.dialect.name != "sqlite":
            return True
        # Finish even if the caller is cancelled: the connection's settings are changed meanwhile.
        self._wiping = asyncio.create_task(self._empty_journal())
        return await asyncio.shield(self._wiping)

    async def _empty_journal(self) -> bool:
        try:
            async with self._engine.connect() as connection:
                # A checkpoint needs to be outside any transaction.
                await connection.execution_options(isolation_level="AUTOCOMMIT")
                # Others wait for this connection, and the checkpoint can be tried again.
                await connection.execute(text("PRAGMA busy_timeout=0"))
                try:
                    is_busy = await connection.scalar(text("PRAGMA wal_checkpoint(TRUNCATE)"))
                finally:
                    await connection.execute(text(f"PRAGMA busy_timeout={round(1_000 * PATIENCE)}"))
        except Exception:  # a driver may raise anything; the journal is as it was, and is tried again
            return False
        return not is_busy

    async def close(self) -> None:
        if self._furnishing is not None:
            self._furnishing.cancel()
            await asyncio.wait([self._furnishing])
        if self._wiping is not None:
            await asyncio.wait([self._wiping])
        await self._engine.dispose()

    async def _furnish(self, seconds: float | None) -> State:
        """Make the tables or bring them forward, once; return what the database was.

        All who wait share one attempt, and its failure. It goes on when they have waited for ``seconds``.
        """
        if self._was is not None:
            return self._was
        if self._furnishing is None:
            self._furnishing = asyncio.create_task(self._bring_forward())
            self._furnishing.add_done_callback(self._made)
        attempt = self._furnishing
        await asyncio.wait([attempt], timeout=seconds)
        if not attempt.done():
            raise StoreUnavailable("its tables are still being brought forward, or another process does that")
        return attempt.result()

    def _made(self, attempt: asyncio.Task[State]) -> None:
        self._furnishing = None
        is_made = not attempt.cancelled() and attempt.exception() is None
        self._was = attempt.result() if is_made else None

    async def _bring_forward(self) -> State:
        async with self._engine.connect() as connection:
            found = await connection.run_sync(state_of)
        if found.is_current:
            return found
        if not found.is_new:
            await asyncio.to_thread(load)
        async with alone(self._engine) as connection:
            if not found.is_new:
                log.info("bringing the database from %s to revision %s", found.title, NEWEST)
            if not (await connection.run_sync(state_of)).is_current:
                await reserve(connection)
            found = await connection.run_sync(bring_forward)
        if not (found.is_new or found.is_current):
            log.info("the database is at revision %s", NEWEST)
        return found


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    """The database at ``url``, closed on leaving; InvalidSetting if the address can never work."""
    await parsed(url).check()
    database = Database(url)
    try:
        yield database
    finally:
        await database.close()


def _comes_from_the_database(error: BaseException) -> bool:
    """Whether SQLAlchemy, or code it called, raised this: a driver may raise anything."""
    frames = traceback.walk_tb(error.__traceback__)
    return any(frame.f_globals.get("__name__", "").split(".")[0] == "sqlalchemy" for frame, _ in frames)


def _said(error: BaseException) -> str:
    """What failed, in one line, without anything from a row."""
    cause = error.orig if isinstance(error, StatementError) and error.orig is not None else error
    kind = type(cause).__name__
    if not isinstance(error, SQLAlchemyError | OSError) or type(error) is StatementError:
        # Any other message may quote anything; where it was raised is safe to say.
        names = [frame.f_code.co_name for frame, _ in traceback.walk_tb(cause.__traceback__)]
        return f"{kind} in {names[-1]}" if names else kind
    text = _A_ROW_S.sub("", str(cause)).strip()
    return f"{kind}: {text.splitlines()[0]}" if text else kind
