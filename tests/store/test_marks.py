"""What one process writes for a person is not stored once another process has forgotten them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import insert, select, text

from bot.store import tables
from bot.store.database import IN_MEMORY, Database, opened
from bot.store.housekeeping import tidied
from bot.store.marks import LASTING, Marks, keep_from_storing, unwanted
from bot.store.rows import row_of
from bot.store.runs import DAY, Runs
from tests.support.clocks import Clock, let_pass
from tests.support.samples import ADA, GRACE, NOON, completion_run, made_from
from tests.support.waiting import until

A, B, C = "a" * 16, "b" * 16, "c" * 16


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON)


@pytest_asyncio.fixture
async def elsewhere(url: str, database: Database) -> AsyncIterator[Database]:
    """The same database, as another process has it."""
    async with AsyncExitStack() as stack:
        yield database if url == IN_MEMORY else await stack.enter_async_context(opened(url))


@pytest.fixture
def here(database: Database, clock: Clock) -> Runs:
    return Runs(database, days=30, clock=clock)


@pytest.fixture
def there(elsewhere: Database, clock: Clock) -> Runs:
    return Runs(elsewhere, days=30, clock=clock)


async def test_a_text_in_progress_elsewhere_is_not_stored(here: Runs, there: Runs, clock: Clock) -> None:
    begun = clock.now
    clock.now += 5
    await there.forget(ADA)
    await here.keep(completion_run(A, asked_at=begun))
    await here.keep(completion_run(B, asked_at=begun, owner=GRACE))
    clock.now += 1
    await here.keep(completion_run(C, asked_at=clock.now))

    assert [await here.is_kept(run_id) for run_id in (A, B, C)] == [False, True, True]


async def test_nor_is_what_another_person_makes_from_theirs(here: Runs, there: Runs, clock: Clock) -> None:
    mine = completion_run(A)
    await here.keep(mine)
    clock.now += 5
    await there.forget(ADA)
    clock.now += 5
    # One was begun before, and one after, from a run read before.
    for run_id, asked_at in ((B, NOON + 1), (C, clock.now)):
        await here.keep(made_from(mine, run_id, owner=GRACE, asked_at=asked_at))
        assert not await there.is_kept(run_id)


async def test_what_is_made_from_a_later_text_is_stored(here: Runs, there: Runs, clock: Clock) -> None:
    await there.forget(ADA)
    clock.now += 1
    later = completion_run(A, asked_at=clock.now)
    await here.keep(later)
    await here.keep(made_from(later, B, owner=GRACE, asked_at=clock.now))

    assert await there.is_kept(B)


async def test_what_waits_together_with_the_text_it_was_made_from_goes_or_stays_with_it(
    tmp_path: Path, clock: Clock
) -> None:
    folder = tmp_path / "later"
    url = f"sqlite:///{folder}/runs.sqlite3"
    async with opened(url) as database, opened(url) as other:
        here, there = Runs(database, days=30, clock=clock), Runs(other, days=30, clock=clock)
        before, after = completion_run(A), completion_run(B, asked_at=NOON + 10)
        for number, run in enumerate((before, after)):
            await here.keep(run)
            await here.keep(made_from(run, f"{number:016x}", owner=GRACE, asked_at=NOON + 10))
        folder.mkdir()
        clock.now += 5
        await there.forget(ADA)
        await here.flush()

        assert [await there.is_kept(run_id) for run_id in (A, f"{0:016x}", B, f"{1:016x}")] == [
            False,
            False,
            True,
            True,
        ]


async def test_a_mark_names_nobody_and_goes_once_nothing_can_be_in_progress(
    here: Runs, there: Runs, database: Database, clock: Clock
) -> None:
    async def wait(seconds: float) -> None:
        clock.now += seconds
        if database.is_shared:
            await let_pass(database, seconds)

    await there.forget(ADA)
    (key,) = await keys(database)
    assert str(ADA) not in key

    await wait(LASTING - 60)
    await here.others_deleted()
    assert await keys(database) == [key]
    await wait(61)
    await here.others_deleted()
    assert await keys(database) == []


async def keys(database: Database) -> list[str]:
    async with database.transaction() as connection:
        return list(await connection.scalars(select(tables.forgotten.c.key)))


async def test_another_process_hears_once_of_what_was_deleted(
    here: Runs, there: Runs, url: str, clock: Clock
) -> None:
    if url == IN_MEMORY:
        pytest.skip("no other process has it")
    assert not await here.others_deleted()
    for _ in range(2):
        clock.now += 1
        await there.forget(ADA)
        assert [await here.others_deleted() for _ in range(2)] == [True, False]
        assert not await there.others_deleted()


async def test_another_process_s_model_forgets_old_texts_too(
    here: Runs, there: Runs, database: Database, clock: Clock
) -> None:
    if not database.is_shared:
        pytest.skip("SQLite has only one process")
    heard: list[float] = []
    async with tidied(here, retry=0.001, on_deleted=lambda: heard.append(clock.now)):
        await there.keep(completion_run(A))
        clock.now += 31 * DAY
        assert await there.delete_old() == 1
        await until(lambda: bool(heard))


@pytest.fixture
def shared(database: Database) -> Database:
    return database if database.is_shared else pytest.skip("SQLite has one writer at a time")


async def test_a_text_begun_before_is_not_stored_by_a_process_whose_clock_is_fast(
    shared: Database, there: Runs, clock: Clock
) -> None:
    fast = Clock(NOON + 60)
    ours = Runs(shared, days=30, clock=fast)
    begun = fast.now
    for one in (clock, fast):
        one.now += 50
    await there.forget(ADA)
    await ours.keep(completion_run(A, asked_at=begun))

    assert not await there.is_kept(A)


async def test_a_text_begun_later_is_stored_by_a_process_whose_clock_is_slow(
    shared: Database, there: Runs
) -> None:
    slow = Clock(NOON - 60)
    await there.forget(ADA)
    await Runs(shared, days=30, clock=slow).keep(completion_run(A, asked_at=slow.now))

    assert await there.is_kept(A)


@pytest.mark.parametrize("seconds", [-LASTING - 60, LASTING + 60])
async def test_a_mark_lasts_as_long_whatever_a_process_s_clock_says(
    shared: Database, there: Runs, seconds: float
) -> None:
    apart = Runs(shared, days=30, clock=Clock(NOON + seconds))
    await there.forget(ADA)
    await apart.others_deleted()
    await apart.forget(GRACE)
    await there.others_deleted()

    assert len(await keys(shared)) == 2


async def is_waiting(database: Database) -> bool:
    """Whether a transaction waits for another one's advisory lock."""
    async with database.transaction() as connection:
        waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        return bool(await connection.scalar(waiting))


async def test_a_person_is_forgotten_after_what_is_being_stored(
    shared: Database, there: Runs, clock: Clock
) -> None:
    run = completion_run(A)
    async with shared.transaction() as storing:
        assert await unwanted(storing, [run], clock) == frozenset()
        forgetting = asyncio.create_task(there.forget(ADA))
        await until(partial(is_waiting, shared))
        await storing.execute(insert(tables.runs), row_of(run))

    assert (await forgetting).runs == 1
    assert not await there.is_kept(A)


async def test_nothing_is_stored_while_a_person_is_being_forgotten(
    shared: Database, here: Runs, there: Runs, clock: Clock
) -> None:
    clock.now += 1
    async with shared.transaction() as forgetting:
        await keep_from_storing(forgetting, ADA)
        storing = asyncio.create_task(there.keep(completion_run(A)))
        await until(partial(is_waiting, shared))
        await here.keep(completion_run(B, owner=GRACE))  # of others, everything is
        assert not here.unsaved
        await Marks(shared, clock).forgotten(forgetting, ADA)
    await storing
    await there.flush()  # if it did not wait for so long

    assert [await there.is_kept(run_id) for run_id in (A, B)] == [False, True]
