"""The database: transactions, its address, and what happens when it fails."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select

from bot.errors import InvalidSetting, StoreUnavailable
from bot.store.database import PATIENCE, Database, opened, parsed
from bot.store.rows import row_of
from bot.store.tables import runs
from tests.samples import completion_run


async def count(database: Database) -> int:
    async with database.transaction() as connection:
        return int(await connection.scalar(select(func.count()).select_from(runs)) or 0)


async def add(database: Database, run_id: str) -> None:
    async with database.transaction() as connection:
        await connection.execute(insert(runs).values(row_of(completion_run(run_id))))


async def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    async def half_a_transaction() -> None:
        async with database.transaction() as connection:
            await connection.execute(insert(runs).values(row_of(completion_run())))
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError):
        await half_a_transaction()

    assert await count(database) == 0


async def test_many_transactions_at_once_do_not_mix(database: Database) -> None:
    await asyncio.gather(*(add(database, f"{number:016x}") for number in range(30)))

    assert await count(database) == 30


async def test_what_was_written_is_there_after_the_file_was_closed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/runs.sqlite3"
    async with opened(url) as database:
        await add(database, "a" * 16)
    async with opened(url) as database:
        assert await count(database) == 1


async def test_a_locked_file_is_waited_for_and_then_an_error(tmp_path: Path) -> None:
    file = tmp_path / "runs.sqlite3"
    async with opened(f"sqlite:///{file}") as database:
        assert await count(database) == 0
        other = sqlite3.connect(file)
        other.execute("BEGIN EXCLUSIVE")
        began = asyncio.get_running_loop().time()
        with pytest.raises(StoreUnavailable) as failure:
            await add(database, "a" * 16)
        assert asyncio.get_running_loop().time() - began > 0.9 * PATIENCE
        assert "locked" in failure.value.detail
        other.rollback()
        other.close()
        await add(database, "a" * 16)


@pytest.mark.parametrize("url", ["sqlite:////nowhere/at/all.sqlite3", "postgresql://a:secret@127.0.0.1:1/b"])
async def test_one_that_cannot_be_reached_fails_when_it_is_asked(url: str) -> None:
    async with opened(url) as database:
        with pytest.raises(StoreUnavailable) as failure:
            await count(database)

    assert "secret" not in failure.value.detail


async def test_what_people_wrote_is_in_no_error(database: Database) -> None:
    await add(database, "a" * 16)
    with pytest.raises(StoreUnavailable) as failure:
        await add(database, "a" * 16)

    assert "23421" not in failure.value.detail


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("sqlite:///runs.sqlite3", "sqlite+aiosqlite"),
        ("postgresql://a@b/c", "postgresql+asyncpg"),
        ("postgres://a@b/c", "postgresql+asyncpg"),
        ("postgresql+asyncpg://a@b/c", "postgresql+asyncpg"),
    ],
)
def test_an_address_names_its_database(url: str, driver: str) -> None:
    assert parsed(url).drivername == driver


@pytest.mark.parametrize("url", ["runs.sqlite3", "mysql://a:secret@b/c", "secret", "http://secret"])
def test_what_is_no_address_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(InvalidSetting, match=r"^DATABASE_URL is no address of a database") as refused:
        parsed(url)

    assert "secret" not in str(refused.value)
