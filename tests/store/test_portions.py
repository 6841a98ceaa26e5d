"""Old runs are deleted a few at a time, and nobody waits for all of them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import event

from bot.errors import StoreUnavailable
from bot.store.database import Database
from bot.store.housekeeping import tidied
from bot.store.portions import IN_A_STATEMENT, Size
from bot.store.runs import DAY, Runs
from tests.support.filled import Kept, Maker, fill
from tests.support.samples import NOON, completion_run
from tests.support.waiting import until

MAKER = Maker(people=1)
LATER = NOON + 31 * DAY


async def store(database: Database, runs: int) -> None:
    await fill(database, [Kept(MAKER.completion(number)) for number in range(runs)])


@pytest.mark.parametrize(
    ("seconds", "sizes"),
    [
        (0.0, [50, 100, 100, 100]),  # grows, but not without end
        (0.025, [50, 50, 50]),
        (0.05, [50, 25, 12, 6, 5, 5]),  # halves at once, and always goes on
        (5.0, [50, 5]),
    ],
)
def test_a_portion_s_size_follows_how_long_the_last_one_took(seconds: float, sizes: list[int]) -> None:
    size = Size()
    for expected in sizes:
        assert size.now == expected
        size.took(seconds)


async def test_others_get_their_turn_between_two_portions(database: Database) -> None:
    await store(database, 120)
    runs = Runs(database, days=30, clock=lambda: LATER)
    portions = runs.deleting_old()
    first = await anext(portions)

    assert first == 50
    await runs.keep(completion_run("f" * 16, asked_at=LATER))
    assert await runs.is_kept("f" * 16)
    assert first + sum([portion async for portion in portions]) == 120
    assert await runs.is_kept("f" * 16)


async def test_what_was_deleted_before_a_failure_is_reported(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store(database, 60)
    runs = Runs(database, days=30, clock=lambda: LATER)
    delete_some, failed = runs._delete_some, asyncio.Event()

    async def once(*arguments: Any) -> int:
        monkeypatch.setattr(runs, "_delete_some", fail)
        return await delete_some(*arguments)

    async def fail(*_: object) -> int:
        failed.set()
        raise StoreUnavailable("gone")

    reported: list[bool] = []
    monkeypatch.setattr(runs, "_delete_some", once)
    async with tidied(runs, on_deleted=lambda: reported.append(failed.is_set())):
        await until(lambda: asyncio.sleep(0, bool(reported)))

    assert reported == [True]


async def test_forgetting_many_runs_is_one_transaction_of_short_statements(database: Database) -> None:
    await store(database, IN_A_STATEMENT + 100)
    runs = Runs(database, days=30, clock=lambda: NOON)
    sent: list[str] = []
    commits: list[object] = []
    engine = database._engine.sync_engine
    event.listen(engine, "commit", commits.append)
    event.listen(engine, "before_cursor_execute", lambda *given: sent.append(given[2]))

    assert (await runs.forget(1)).runs == IN_A_STATEMENT + 100
    assert len([one for one in sent if one.startswith("DELETE FROM runs")]) == 2
    assert len(commits) == 1
