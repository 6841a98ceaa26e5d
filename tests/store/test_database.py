"""The database: transactions, its address, and what happens when it fails."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import socket
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import delete, func, insert, select, update

from bot.errors import InvalidSetting, StoreUnavailable
from bot.model.model_info import Fingerprint
from bot.model.protocol import SamplingParams
from bot.store.address import parsed
from bot.store.backend import PATIENCE
from bot.store.database import IN_MEMORY, Database, opened
from bot.store.migrations import NEWEST, SCHEMA
from bot.store.rows import row_of
from bot.store.runs import Runs
from bot.store.tables import metadata, runs, versions
from tests.support.samples import NOON, completion_run


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


async def test_written_data_survives_closing_the_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/runs.sqlite3"
    async with opened(url) as database:
        await add(database, "a" * 16)
    async with opened(url) as database:
        assert await count(database) == 1


@pytest.mark.slow
async def test_a_locked_file_is_an_error_after_a_wait(tmp_path: Path) -> None:
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
async def test_an_unreachable_database_fails_when_it_is_used(url: str) -> None:
    async with opened(url) as database:
        with pytest.raises(StoreUnavailable) as failure:
            await count(database)

    assert "secret" not in failure.value.detail


async def test_no_error_quotes_what_people_wrote(database: Database) -> None:
    await add(database, "a" * 16)
    with pytest.raises(StoreUnavailable) as failure:
        await add(database, "a" * 16)

    assert "23421" not in failure.value.detail


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("sqlite:///runs.sqlite3", "sqlite+aiosqlite"),
        ("postgresql://a@b/c", "postgresql+psycopg"),
        ("postgres://a@b/c", "postgresql+psycopg"),
        ("postgresql+asyncpg://a@b/c", "postgresql+psycopg"),
    ],
)
def test_a_url_names_its_database(url: str, driver: str) -> None:
    assert parsed(url).driver == driver


@pytest.mark.parametrize("url", ["runs.sqlite3", "mysql://a:secret@b/c", "secret", "http://secret"])
def test_an_invalid_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(InvalidSetting, match=r"^DATABASE_URL is not a database address") as refused:
        parsed(url)

    assert "secret" not in str(refused.value)


@pytest.mark.slow
async def test_all_callers_share_one_attempt_to_reach_a_silent_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        async with opened(f"postgresql://a@127.0.0.1:{port}/b") as database:
            began = asyncio.get_running_loop().time()
            outcomes = await asyncio.gather(*(count(database) for _ in range(8)), return_exceptions=True)

            assert all(isinstance(outcome, StoreUnavailable) for outcome in outcomes)
            assert asyncio.get_running_loop().time() - began < 3 * PATIENCE


async def test_tables_of_another_version_are_refused(url: str) -> None:
    async with opened(url) as database, database.transaction() as connection:
        await connection.execute(update(versions).values(schema=SCHEMA + 1))
    try:
        async with opened(url) as database:
            if url == IN_MEMORY:  # which was another one
                assert await count(database) == 0
                return
            with pytest.raises(StoreUnavailable) as failure:
                await count(database)
        assert f"another version ({SCHEMA + 1}, not {SCHEMA})" in failure.value.detail
    finally:
        engine = parsed(url).engine()
        async with engine.begin() as connection:
            await connection.run_sync(metadata.drop_all)
        await engine.dispose()


def test_a_change_of_the_stored_data_raises_the_schema_version() -> None:
    columns = [
        f"{column.table}.{column.name} {column.type}"
        for table in metadata.sorted_tables
        for column in table.c
    ]
    stored = [*columns, *SamplingParams.__struct_fields__, *Fingerprint.__struct_fields__]

    # A change of a table needs a revision. The number stayed 1: a GPT-2's fingerprint is written as before
    # encodings and ends existed, an older version ignores the groups and the owners of claims, which may be
    # null, and the rest is in new tables: the readers of a text, the revision, the claims of processes, and
    # who was forgotten just now.
    digest = hashlib.sha256("\n".join(stored).encode()).hexdigest()[:12]
    assert (SCHEMA, NEWEST, digest) == (1, "0007", "cd9979ce00ad")


def contents(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


async def test_deleted_data_does_not_stay_in_the_files(tmp_path: Path) -> None:
    async with opened(f"sqlite:///{tmp_path}/runs.sqlite3") as database:
        async with database.transaction() as connection:
            run = completion_run(prompt_ids=(31337, 31337, 31337))
            await connection.execute(insert(runs).values(row_of(run)))
        assert b"31337" in contents(tmp_path)
        async with database.transaction() as connection:
            await connection.execute(delete(runs))
        await database.wipe()

        assert b"31337" not in contents(tmp_path)


async def test_a_removed_file_is_no_longer_written_to(tmp_path: Path) -> None:
    file = tmp_path / "there" / "runs.sqlite3"
    file.parent.mkdir()
    async with opened(f"sqlite:///{file}") as database:
        await add(database, "a" * 16)
        shutil.rmtree(file.parent)
        with pytest.raises(StoreUnavailable) as failure:
            await add(database, "b" * 16)
        assert failure.value.detail == "OperationalError: unable to open database file"

        file.parent.mkdir()
        await add(database, "b" * 16)
        assert await count(database) == 1


def empty(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()


async def test_a_deleted_file_is_created_again(tmp_path: Path) -> None:
    file = tmp_path / "runs.sqlite3"
    async with opened(f"sqlite:///{file}") as database:
        await add(database, "a" * 16)
        empty(tmp_path)
        with pytest.raises(StoreUnavailable):
            await add(database, "b" * 16)  # the first caller finds no tables
        await add(database, "b" * 16)
        assert await count(database) == 1


@pytest.mark.parametrize(
    ("column", "damage"),
    [
        ("prompt_ids", b"[23421, 37"),
        ("prompt_ids", b"[23421, \xff]"),
        ("prompt_ids", b"23421"),
        ("params", b'{"sed": 23421}'),
        ("steps", b"23421"),
        ("kind", b"\xff23421"),
    ],
)
async def test_a_damaged_run_raises_an_error_that_does_not_quote_it(
    tmp_path: Path, column: str, damage: bytes
) -> None:
    file = tmp_path / "runs.sqlite3"
    async with opened(f"sqlite:///{file}") as database:
        kept = Runs(database, days=30, clock=lambda: NOON)
        await kept.keep(completion_run())
        with sqlite3.connect(file) as other:
            value = "?" if column == "steps" else "CAST(? AS TEXT)"
            other.execute(f"UPDATE runs SET {column} = {value}", (damage,))  # noqa: S608 - names of ours
        other.close()

        with pytest.raises(StoreUnavailable) as failure:
            await kept.get(completion_run().run_id)
    assert "23421" not in failure.value.detail
    assert "\n" not in failure.value.detail
