"""Data that an older version stored is found by this one."""

from __future__ import annotations

import pytest
from sqlalchemy import inspect, text

from bot.features.compare import METHODS
from bot.store.database import Database
from bot.store.migrations import make_tables
from bot.store.runs import Runs
from tests.support.samples import GRACE, NOON, completion_run, walk_run

# A comparison by an older version: six ids that differ only in the last digit.
SIBLINGS = [f"{'7' * 15}{number}" for number in range(len(METHODS))]
ALONE = "a" * 16


async def store(database: Database, *run_ids: str) -> None:
    """Store runs as an older version does: without a group."""
    runs = Runs(database, days=30, clock=lambda: NOON)
    for run_id in run_ids:
        await runs.keep(completion_run(run_id))


async def make_older(database: Database) -> None:
    """Remove from the tables what an older version's lacked."""
    async with database.transaction() as connection:
        await connection.execute(text("DROP INDEX ix_runs_group"))
        await connection.execute(text('ALTER TABLE runs DROP COLUMN "group"'))


async def open_again(database: Database) -> Runs:
    async with database.transaction() as connection:
        await connection.run_sync(make_tables)
    return Runs(database, days=30, clock=lambda: NOON)


@pytest.mark.parametrize("stored", [SIBLINGS, SIBLINGS[1:3]])
async def test_siblings_of_an_older_version_s_comparison_are_found(
    database: Database, stored: list[str]
) -> None:
    await store(database, *stored, ALONE)
    await make_older(database)
    runs = await open_again(database)

    assert await runs.siblings(SIBLINGS[0]) == set(stored)
    assert {(await runs.completion(run_id)).group for run_id in stored} == {SIBLINGS[0]}
    assert (await runs.completion(ALONE)).group is None


async def test_no_other_runs_become_siblings(database: Database) -> None:
    first, *others = SIBLINGS
    runs = Runs(database, days=30, clock=lambda: NOON)
    await runs.keep(completion_run(first))
    await runs.keep(completion_run(others[0], owner=GRACE, parent=first))
    await runs.keep(walk_run(others[1]))
    await runs.keep(completion_run("7" * 15 + "f"))
    await make_older(database)
    runs = await open_again(database)

    assert await runs.siblings(first) == {first}


async def test_the_added_column_has_its_index_and_is_added_once(database: Database) -> None:
    await make_older(database)
    for _ in range(2):
        await open_again(database)

    async with database.transaction() as connection:
        indexes = await connection.run_sync(lambda to: inspect(to).get_indexes("runs"))
    assert "ix_runs_group" in {index["name"] for index in indexes}
