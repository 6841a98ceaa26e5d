"""A database of any earlier form becomes one of the newest, and what is in it is found."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event, insert, inspect, select, text

from bot.errors import DatabaseNewer, StoreUnavailable
from bot.features.compare import METHODS
from bot.store import migrations, tables
from bot.store.address import parsed
from bot.store.database import IN_MEMORY, Database, opened
from bot.store.migrations import NEWEST, REVISIONS, State, state_of
from bot.store.rows import Run, row_of
from bot.store.runs import Runs
from tests.store import schema_1
from tests.store.schema_1 import FORMS, LACKS, Form
from tests.support.filled import KINDS, Kept, Maker, fill
from tests.support.samples import GRACE, NOON, completion_run, walk_run
from tests.support.waiting import until

# A comparison by an older version: six ids that differ only in the last digit.
SIBLINGS = [f"{'7' * 15}{number}" for number in range(len(METHODS))]
ALONE = "a" * 16
# The tables that were added since there are revisions.
ADDED = {"0005": tables.claims, "0006": tables.forgotten}


@pytest.fixture
def folder() -> Path:
    return Path(migrations.__file__).parent / "revisions"


@pytest_asyncio.fixture
async def blank(url: str) -> AsyncIterator[Database]:
    """A database without tables, in which nothing has been done yet."""
    async with opened(url) as database:
        async with database._engine.begin() as connection:
            await connection.run_sync(tables.metadata.drop_all)
        yield database


async def make(database: Database, form: Form, *kept: Kept) -> None:
    async with database._engine.begin() as connection:
        await connection.run_sync(schema_1.make, form)
    await fill(database, kept, skipped=LACKS[form])


def runs_in(database: Database) -> Runs:
    return Runs(database, days=30, clock=lambda: NOON)


def test_the_revisions_are_one_line_and_all_are_named(folder: Path) -> None:
    scripts = ScriptDirectory(folder, version_locations=[folder])

    assert tuple(script.revision for script in scripts.walk_revisions())[::-1] == REVISIONS
    assert scripts.get_heads() == [NEWEST]


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, tables.metadata))


@pytest.mark.parametrize("form", FORMS)
async def test_an_older_database_gets_the_tables_of_a_new_one(blank: Database, form: Form) -> None:
    await make(blank, form)
    assert await blank.prepare() == State(None, 1, is_new=False)

    async with blank.transaction() as connection:
        assert await connection.run_sync(differences) == []
        assert await connection.run_sync(state_of) == State(NEWEST, 1, is_new=False)
        assert list(await connection.scalars(select(tables.versions.c.schema))) == [1]


async def test_a_new_database_has_the_newest_tables_at_once(blank: Database) -> None:
    assert await blank.prepare() == State(None, None, is_new=True)

    async with blank.transaction() as connection:
        assert await connection.run_sync(differences) == []
        assert (await connection.run_sync(state_of)).is_current


@pytest.mark.parametrize("revision", REVISIONS)
async def test_every_revision_is_brought_forward(blank: Database, revision: str) -> None:
    await make(blank, "oldest", Kept(completion_run(ALONE)))
    await blank.prepare()
    async with blank.transaction() as connection:
        await connection.execute(tables.revisions.update().values(version_num=revision))
        for since, table in ADDED.items():
            if since > revision:
                await connection.run_sync(table.drop)
        if "0005" <= revision < "0007":
            await connection.execute(text("ALTER TABLE claims DROP COLUMN owner"))
    async with blank._engine.begin() as connection:
        await connection.run_sync(migrations.bring_forward)
        assert (await connection.run_sync(state_of)).is_current
    assert await runs_in(blank).completion(ALONE) == completion_run(ALONE)


@pytest.mark.parametrize("stored", [SIBLINGS, SIBLINGS[1:3]])
async def test_siblings_of_an_older_version_s_comparison_are_found(
    blank: Database, stored: list[str]
) -> None:
    await make(blank, "ungrouped", *(Kept(completion_run(run_id)) for run_id in (*stored, ALONE)))
    runs = runs_in(blank)

    assert await runs.siblings(SIBLINGS[0]) == set(stored)
    assert {(await runs.completion(run_id)).group for run_id in stored} == {SIBLINGS[0]}
    assert (await runs.completion(ALONE)).group is None


async def test_no_other_runs_become_siblings(blank: Database) -> None:
    first, *others = SIBLINGS
    strangers: list[Run] = [
        completion_run(first),
        completion_run(others[0], owner=GRACE, parent=first),
        walk_run(others[1]),
        completion_run("7" * 15 + "f"),
    ]
    await make(blank, "oldest", *(Kept(run) for run in strangers))

    assert await runs_in(blank).siblings(first) == {first}


@pytest.mark.parametrize("form", FORMS)
async def test_runs_of_every_kind_are_as_they_were(blank: Database, form: Form) -> None:
    # What was continued is stored with what it was made from.
    kept = [one for kind in KINDS for one in Maker().make(kind, 4)]
    await make(blank, form, *kept)
    runs = runs_in(blank)

    for one in kept:
        assert await runs.get(one.run.run_id) == one.run
        if one.round is not None:
            assert await runs.rounds.find(one.run.run_id) == one.round


async def test_a_migration_that_fails_leaves_the_database_as_it_was(
    blank: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make(blank, "oldest", Kept(completion_run(ALONE)))
    monkeypatch.setattr("alembic.operations.Operations.drop_index", None)  # of the last revision
    with pytest.raises(StoreUnavailable):
        await blank.prepare()

    async with blank._engine.begin() as connection:
        assert await connection.run_sync(state_of) == State(None, 1, is_new=False)
        assert not await connection.run_sync(lambda to: inspect(to).has_table("sources"))
        columns = await connection.run_sync(lambda to: inspect(to).get_columns("runs"))
    assert "group" not in {column["name"] for column in columns}
    monkeypatch.undo()
    assert await runs_in(blank).completion(ALONE) == completion_run(ALONE)


async def test_several_processes_that_start_at_once_migrate_once(
    blank: Database, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    if url == IN_MEMORY:
        pytest.skip("no other process has it")
    caplog.set_level("INFO", logger="bot")
    await make(blank, "oldest", Kept(completion_run(ALONE)))
    async with opened(url) as second, opened(url) as third:
        found = await asyncio.gather(*(database.prepare() for database in (blank, second, third)))

        assert sorted(state.is_current for state in found) == [False, True, True]
        assert await runs_in(third).completion(ALONE) == completion_run(ALONE)
    assert caplog.text.count(f"the database is at revision {NEWEST}") == 1


# PostgreSQL's default, and one where a transaction sees only what there was at its beginning.
@pytest.mark.parametrize("isolation", ["", "?options=-cdefault_transaction_isolation%3Dserializable"])
async def test_several_processes_that_start_at_once_make_the_tables_once(
    blank: Database, url: str, isolation: str
) -> None:
    if url == IN_MEMORY:
        pytest.skip("no other process has it")
    if isolation and not url.startswith("postgresql"):
        pytest.skip("SQLite has one isolation")
    async with AsyncExitStack() as stack:
        processes = [await stack.enter_async_context(opened(url + isolation)) for _ in range(4)]
        found = await asyncio.gather(*(database.prepare() for database in processes))

        assert sorted(state.is_new for state in found) == [False, False, False, True]
        assert [state.is_current for state in found].count(True) == 3
        async with processes[0].transaction() as connection:
            assert await connection.run_sync(differences) == []


async def test_a_bot_that_still_runs_is_waited_for(blank: Database, url: str) -> None:
    if not url.startswith("postgresql"):
        pytest.skip("SQLite has one lock for all")
    await make(blank, "last")
    asked: list[str] = []
    event.listen(blank._engine.sync_engine, "before_cursor_execute", lambda *given: asked.append(given[2]))

    async def is_waiting() -> bool:
        return any(statement.startswith("LOCK TABLE") for statement in asked)

    async with opened(url) as running, running._engine.begin() as connection:
        await connection.execute(select(tables.runs))
        migrating = asyncio.create_task(blank.prepare())
        await until(is_waiting)
        await connection.execute(insert(tables.runs), row_of(completion_run(ALONE)))
    assert await migrating == State(None, 1, is_new=False)
    assert await runs_in(blank).completion(ALONE) == completion_run(ALONE)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (tables.revisions.update().values(version_num="9999"), f"another version (9999, not {NEWEST})"),
        (tables.versions.update().values(schema=2), "another version (2, not 1)"),
    ],
)
async def test_a_newer_database_is_left_alone_with_one_sentence(
    database_url: str, change: object, sentence: str
) -> None:
    async with opened(database_url) as database, database.transaction() as connection:
        await connection.execute(change)  # type: ignore[call-overload]
    before = dump(database_url)
    async with opened(database_url) as database:
        with pytest.raises(DatabaseNewer) as newer:
            await database.prepare()
        with pytest.raises(StoreUnavailable) as refused:
            await runs_in(database).get(ALONE)

    assert sentence in str(newer.value)
    assert sentence in refused.value.detail
    assert dump(database_url) == before


def dump(url: str) -> list[str]:
    connection = sqlite3.connect(str(parsed(url).file))  # type: ignore[attr-defined]
    try:
        return list(connection.iterdump())
    finally:
        connection.close()


async def test_the_last_bot_without_revisions_passes_over_what_was_added(blank: Database) -> None:
    await blank.prepare()
    async with blank.transaction() as connection:
        # What that bot does at its start, and how it finds and stores runs.
        await connection.run_sync(schema_1.tables("last").create_all)
        assert list(await connection.scalars(select(tables.versions.c.schema))) == [1]
        found = await connection.execute(select(schema_1.tables("last").tables["runs"]))
        assert found.all() == []
        assert (await connection.scalar(text("SELECT count(*) FROM alembic_version"))) == 1
