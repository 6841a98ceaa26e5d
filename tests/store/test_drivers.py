"""Any error of a database driver, at any point, means that the store is unavailable and no more."""

from __future__ import annotations

import asyncio
import sqlite3
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NoReturn

import aiosqlite
import pytest
import pytest_asyncio
from sqlalchemy import insert, select, text

from bot.errors import RunExpired, StoreUnavailable, UnavailableError
from bot.store import postgresql, tables
from bot.store.database import Database, opened
from bot.store.housekeeping import tidied
from bot.store.rows import row_of
from bot.store.runs import Runs
from tests.support.samples import NOON, completion_run
from tests.support.waiting import until


class InternalClientError(Exception):
    """An error outside the hierarchy of PEP 249, as drivers also raise them."""


RAISED = [
    TypeError("connect() got an unexpected keyword argument 'osprey'"),
    ValueError("osprey"),
    KeyError("osprey"),
    AttributeError("osprey"),
    AssertionError("osprey"),
    RuntimeError("osprey"),
    TimeoutError(),
    OSError(104, "Connection reset by peer"),
    ssl.SSLCertVerificationError(1, "certificate verify failed"),
    sqlite3.InterfaceError("the connection is closed"),
    sqlite3.Warning("osprey"),
    UnicodeEncodeError("utf-8", "\udcff", 0, 1, "osprey"),
    MemoryError(),
    RecursionError("osprey"),
    InternalClientError("osprey"),
    ExceptionGroup("osprey", [ValueError("osprey")]),
]
any_error = pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)


def raising(error: BaseException) -> Any:
    async def fail(*_: object, **__: object) -> NoReturn:
        raise error

    return fail


@pytest_asyncio.fixture
async def file(database_url: str) -> AsyncIterator[Database]:
    async with opened(database_url) as database:
        yield database


async def read(database: Database) -> object:
    async with database.transaction() as connection:
        return (await connection.execute(select(tables.runs))).all()


@any_error
async def test_as_it_connects(database_url: str, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.store.sqlite._connect", raising(error))
    async with opened(database_url) as database:
        with pytest.raises(StoreUnavailable):
            await read(database)


@any_error
async def test_as_postgresql_connects(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened("postgresql://tw:osprey@127.0.0.1:1/d") as database:
        monkeypatch.setattr(postgresql._Connection, "connect", raising(error))
        with pytest.raises(StoreUnavailable):
            await read(database)


@any_error
@pytest.mark.parametrize("where", ["execute", "fetchall"])
async def test_as_it_queries(
    file: Database, where: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await read(file) == []
    with monkeypatch.context() as broken:
        broken.setattr(aiosqlite.Cursor, where, raising(error))
        with pytest.raises(StoreUnavailable):
            await read(file)
    assert await read(file) == []


@any_error
async def test_as_it_commits(file: Database, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await read(file) == []
    with monkeypatch.context() as broken:
        broken.setattr(aiosqlite.Connection, "commit", raising(error))
        with pytest.raises(StoreUnavailable):
            await read(file)
    assert await read(file) == []


async def test_the_text_of_an_unknown_error_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.store.sqlite._prepare", _quote_a_row)
    async with opened("sqlite://") as database:
        with pytest.raises(StoreUnavailable) as failure:
            await read(database)

    assert failure.value.detail == "ValueError in _quote_a_row"


def _quote_a_row(*_: object) -> NoReturn:
    raise ValueError("osprey")


OWN = [TypeError("mine"), LookupError("mine"), OSError("mine"), TimeoutError("mine"), RunExpired(days=1)]


@pytest.mark.parametrize("error", OWN, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("rolls_back", [True, False])
async def test_an_error_in_the_block_itself_is_raised_unchanged(
    file: Database, error: Exception, rolls_back: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail_after_a_statement() -> None:
        async with file.transaction() as connection:
            await connection.execute(insert(tables.runs).values(row_of(completion_run())))
            raise error

    assert await read(file) == []
    with monkeypatch.context() as broken:
        if not rolls_back:
            broken.setattr(aiosqlite.Connection, "rollback", raising(ValueError("osprey")))
        with pytest.raises(type(error)) as raised:
            await fail_after_a_statement()
    assert raised.value is error
    assert await read(file) == []


@pytest.mark.parametrize("rolls_back", [True, False])
async def test_cancelling_is_no_failure_of_the_database(
    file: Database, rolls_back: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = asyncio.Event()

    async def wait_in_a_transaction() -> None:
        async with file.transaction() as connection:
            await connection.execute(text("SELECT 1"))
            began.set()
            await asyncio.sleep(60)

    assert await read(file) == []
    with monkeypatch.context() as broken:
        if not rolls_back:
            broken.setattr(aiosqlite.Connection, "rollback", raising(ValueError("osprey")))
        waiting = asyncio.create_task(wait_in_a_transaction())
        await began.wait()
        waiting.cancel()
        await asyncio.wait([waiting])
    assert waiting.cancelled()


@pytest.mark.slow
@any_error
async def test_housekeeping_goes_on(
    tmp_path: Path, error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(f"sqlite:///{tmp_path}/runs.sqlite3") as database:
        runs = Runs(database, days=30, clock=lambda: NOON)
        with monkeypatch.context() as broken:
            broken.setattr(aiosqlite.Cursor, "execute", raising(error))
            await runs.keep(completion_run())
            async with tidied(runs, every=0.001, retry=0.001):
                await until(lambda: caplog.text.count("the database is unavailable") > 1)
                assert runs.unsaved == 1
                broken.undo()
                await until(lambda: runs.unsaved == 0)
    assert caplog.text.count("not stored yet") == 1
    assert "osprey" not in caplog.text


@pytest.mark.slow
@pytest.mark.parametrize("column", ["prompt_ids", "params", "token_ids", "by_hand", "fingerprint", "steps"])
@pytest.mark.parametrize("damage", [5, 1.5, "text", "[[[[[", "[" * 100_000, b"\xff", 2**63 - 1])
async def test_a_column_may_have_anything_in_it(tmp_path: Path, column: str, damage: object) -> None:
    """SQLite takes a value of any type in any column."""
    file = tmp_path / "runs.sqlite3"
    async with opened(f"sqlite:///{file}") as database:
        runs = Runs(database, days=30, clock=lambda: NOON)
        await runs.keep(completion_run())
        with sqlite3.connect(file) as other:
            other.execute(f"UPDATE runs SET {column} = ?", (damage,))  # noqa: S608 - names of ours
        other.close()

        with pytest.raises(UnavailableError):
            await runs.get(completion_run().run_id)
