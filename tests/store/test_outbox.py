"""Runs get into the database once each, even if it fails on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select

from bot.store.database import IN_MEMORY, Database, opened
from bot.store.outbox import AT_MOST, BATCH, PAUSE, Outbox
from bot.store.rows import row_of
from bot.store.tables import runs
from tests.support.clocks import Clock
from tests.support.samples import NOON, completion_run


def run_id(number: int) -> str:
    return f"{number:016x}"


async def stored(database: Database) -> int:
    async with database.transaction() as connection:
        return int(await connection.scalar(select(func.count()).select_from(runs)) or 0)


async def test_all_waiting_runs_are_written(database: Database) -> None:
    outbox = Outbox(database, Clock(NOON))
    for number in range(2 * BATCH + 1):
        outbox.put(completion_run(run_id(number)))
    await outbox.send()

    assert (await stored(database), len(outbox)) == (2 * BATCH + 1, 0)


async def test_a_commit_whose_confirmation_was_lost_blocks_nothing(database: Database) -> None:
    outbox = Outbox(database, Clock(NOON))
    async with database.transaction() as connection:
        await connection.execute(insert(runs).values(row_of(completion_run(run_id(1)))))
    for number in (1, 2):
        outbox.put(completion_run(run_id(number)))
    await outbox.send()

    assert (await stored(database), len(outbox)) == (2, 0)


async def test_after_a_failure_the_next_attempt_waits_a_moment(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock, file = Clock(NOON), tmp_path / "later" / "runs.sqlite3"
    async with opened(f"sqlite:///{file}") as database:
        outbox = Outbox(database, clock)
        for number in (1, 2):
            outbox.put(completion_run(run_id(number)))
            await outbox.send()
        assert caplog.text.count("not stored yet") == 1
        assert outbox.get(run_id(2))

        file.parent.mkdir()
        clock.now += PAUSE
        await outbox.send()
        assert (await stored(database), len(outbox)) == (2, 0)


async def test_an_urgent_write_is_tried_at_once(tmp_path: Path) -> None:
    file = tmp_path / "later" / "runs.sqlite3"
    async with opened(f"sqlite:///{file}") as database:
        outbox = Outbox(database, Clock(NOON))
        outbox.put(completion_run())
        await outbox.send()
        file.parent.mkdir()
        await outbox.send(at_once=True)

        assert len(outbox) == 0


async def test_the_outbox_is_bounded_and_losses_are_logged(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = Outbox(database, Clock(NOON))
    for number in range(AT_MOST + 1):
        outbox.put(completion_run(run_id(number)))

    assert len(outbox) == AT_MOST
    assert outbox.get(run_id(0)) is None
    assert f"run {run_id(0)} is lost" in caplog.text


async def test_nothing_is_written_while_the_outbox_is_held(database: Database) -> None:
    outbox = Outbox(database, Clock(NOON))
    outbox.put(completion_run())
    async with outbox.held():
        assert outbox.drop(lambda run: run.run_id == completion_run().run_id) == 1
    await outbox.send()

    assert await stored(database) == 0


async def test_a_failure_is_logged_once_and_its_end_too(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "later" / "runs.sqlite3"
    async with opened(f"sqlite:///{file}") as database:
        outbox = Outbox(database, Clock(NOON))
        outbox.put(completion_run())
        for _ in range(3):
            await outbox.send(at_once=True)
        file.parent.mkdir()
        await outbox.send(at_once=True)
        await outbox.send(at_once=True)

    said = [record.getMessage() for record in caplog.records]
    assert said == [
        "1 run not stored yet, kept in memory: OperationalError: unable to open database file",
        "all runs that waited for the database are stored",
    ]


@pytest.mark.parametrize("hanging", ["the database", "another attempt"])
async def test_a_card_does_not_wait_long_for_a_hanging_database(
    hanging: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock(NOON)
    async with opened(IN_MEMORY) as database, asyncio.timeout(30):
        outbox = Outbox(database, clock)
        outbox.put(completion_run())
        async with held_up(database) if hanging == "the database" else outbox.held():
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("bot.store.outbox.LONGEST", 0.05)
                await outbox.send()
            assert len(outbox) == 1

            async with asyncio.timeout(5):  # the next caller does not wait at all
                monkeypatch.setattr("bot.store.outbox.LONGEST", 60.0)
                await outbox.send()
        clock.now += PAUSE
        await outbox.send()

    assert len(outbox) == 0
    assert "1 run not stored yet, kept in memory: no answer" in caplog.text


@asynccontextmanager
async def held_up(database: Database) -> AsyncIterator[None]:
    """Its one connection is taken."""
    async with database.transaction():
        yield
