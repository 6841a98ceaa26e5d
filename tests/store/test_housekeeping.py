"""Old runs are deleted unasked, and a failing database is tried again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.store import tables
from bot.store.database import IN_MEMORY, Database, opened
from bot.store.housekeeping import tidied
from bot.store.process_claims import LIFETIME, Claims
from bot.store.process_locks import Lock, ProcessLocks
from bot.store.runs import DAY, Runs
from tests.support.clocks import let_pass
from tests.support.samples import NOON, completion_run
from tests.support.waiting import until


async def stored(runs: Runs) -> int:
    async with runs._database.transaction() as connection:
        return int(await connection.scalar(select(func.count()).select_from(tables.runs)) or 0)


async def test_old_runs_are_deleted_at_the_start_and_from_then_on() -> None:
    now = NOON
    async with opened(IN_MEMORY) as database:
        runs = Runs(database, days=30, clock=lambda: now)
        await runs.keep(completion_run("a" * 16))
        await runs.keep(completion_run("b" * 16, asked_at=NOON + DAY))

        async def only(count: int) -> bool:
            return await stored(runs) == count

        deleted: list[float] = []
        now = NOON + 30 * DAY + 1
        async with tidied(runs, every=0.001, on_deleted=lambda: deleted.append(now)):
            await until(lambda: only(1))
            assert await runs.completion("b" * 16)
            now += DAY
            await until(lambda: only(0))
            await until(lambda: len(deleted) == 2)
        assert deleted == [now - DAY, now]


async def test_a_failing_database_is_logged_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "later"
    async with opened(f"sqlite:///{folder}/runs.sqlite3") as database:
        runs = Runs(database, days=30)

        async def is_logged() -> bool:
            return "the database is unavailable" in caplog.text

        async def is_empty() -> bool:
            return await stored(runs) == 0

        async with tidied(runs, every=0.001):
            await until(is_logged)
            folder.mkdir()
            await runs.keep(completion_run(asked_at=0.0))
            await until(is_empty)


async def test_waiting_runs_are_stored_soon_after_the_database_is_back(tmp_path: Path) -> None:
    folder = tmp_path / "later"
    async with opened(f"sqlite:///{folder}/runs.sqlite3") as database:
        runs = Runs(database, days=30, clock=lambda: NOON)
        await runs.keep(completion_run())

        async def is_stored() -> bool:
            return await stored(runs) == 1

        async with tidied(runs, retry=0.001):
            folder.mkdir()
            await until(is_stored)


@pytest.mark.parametrize("is_back", [True, False])
async def test_runs_that_cannot_be_stored_at_the_end_are_logged(
    tmp_path: Path, is_back: bool, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "later"
    async with opened(f"sqlite:///{folder}/runs.sqlite3") as database:
        runs = Runs(database, days=30, clock=lambda: NOON)
        async with tidied(runs):
            await runs.keep(completion_run("a" * 16))
            await runs.keep(completion_run("b" * 16))
            if is_back:
                folder.mkdir()

    assert ("lost 2 runs" in caplog.text) != is_back


class HangingRuns(Runs):
    """Runs whose database hangs on every write."""

    async def flush(self) -> None:
        await asyncio.Event().wait()


async def test_a_hanging_database_does_not_delay_the_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bot.store.housekeeping.LAST_ATTEMPT", 0.01)
    async with opened(IN_MEMORY) as database:
        runs = HangingRuns(database, days=30, clock=lambda: NOON)
        async with asyncio.timeout(10), tidied(runs):
            runs._outbox.put(completion_run())

    assert "lost 1 run:" in caplog.text


async def test_one_process_at_a_time_deletes(database: Database) -> None:
    if not database.is_shared:
        pytest.skip("SQLite has only one process")
    now = NOON
    runs = Runs(database, days=30, clock=lambda: now)
    claims = Claims(database)
    await runs.keep(completion_run("a" * 16))
    await claims.take("an interaction")
    now += 31 * DAY
    await let_pass(database, LIFETIME)
    async with tidied(runs, locks=ProcessLocks(database), claims=claims):
        await until(lambda: is_empty(database))

    await runs.keep(completion_run("b" * 16))
    async with ProcessLocks(database).held(Lock.HOUSEKEEPING):
        async with tidied(runs, locks=ProcessLocks(database), claims=claims):
            await asyncio.sleep(0.3)
        assert await stored(runs) == 1


async def test_claims_that_last_are_renewed(database: Database) -> None:
    if not database.is_shared:
        pytest.skip("SQLite has only one process")
    claims = Claims(database)
    await claims.take("a text in progress", lasting=True)
    await let_pass(database, LIFETIME / 2)
    half_over = await end(database)

    async def is_renewed() -> bool:
        return await end(database) > half_over

    async with tidied(Runs(database, days=30), retry=0.001, claims=claims):
        await until(is_renewed)


async def end(database: Database) -> float:
    """When the one claim ends, by the database's clock."""
    async with database.transaction() as connection:
        return float((await connection.execute(select(tables.claims.c.until))).scalar_one())


async def is_empty(database: Database) -> bool:
    counts = (select(func.count()).select_from(table) for table in (tables.runs, tables.claims))
    async with database.transaction() as connection:
        return not any([await connection.scalar(count) for count in counts])
