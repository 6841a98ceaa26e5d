"""Deleted data disappears from every file of the database, even if that has to wait."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from bot.queue.updates import Completion
from bot.store import tables
from bot.store.database import Database, opened
from bot.store.housekeeping import tidied
from bot.store.migrations import make_tables
from bot.store.rows import Run
from bot.store.runs import DAY, Forgotten, Runs
from tests.support.samples import ADA, FINGERPRINT, GRACE, NOON, completion_run, walk_run
from tests.support.waiting import until

PERSON = 1_234_567_890_123_456_789
PROMPT = (31337, 31338, 31339)
TRACES = (b"31337, 31338, 31339", PERSON.to_bytes(8, "big"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / "database"
    folder.mkdir()
    return folder / "runs.sqlite3"


def traces(file: Path) -> list[bytes]:
    """The person's traces in any of the database's files: the rows, and the journal."""
    written = b"".join(one.read_bytes() for one in file.parent.iterdir())
    return [trace for trace in TRACES if trace in written]


@contextmanager
def reading(file: Path) -> Iterator[None]:
    """Another program keeps reading the database's present state."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM runs").fetchone()
        yield


async def keep(runs: Runs) -> None:
    """Store a run of the person, and one that another person derived from it."""
    run = completion_run(owner=PERSON, prompt_ids=PROMPT)
    await runs.keep(run)
    rolled = run.rerolled(owner=GRACE)
    await runs.keep(
        rolled.finished(Completion(run.steps, "length"), fingerprint=FINGERPRINT, asked_at=NOON), channel=1
    )


async def test_forgetting_leaves_nothing_of_a_person_in_the_files(file: Path) -> None:
    async with opened(f"sqlite:///{file}") as database:
        runs = Runs(database, days=30, clock=lambda: NOON)
        await keep(runs)
        assert traces(file) == list(TRACES)

        assert await runs.forget(PERSON) == Forgotten(runs=1, votes=0)
        assert traces(file) == []


async def test_a_wipe_blocked_by_another_reader_is_reported_and_done_later(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(f"sqlite:///{file}") as database:
        runs = Runs(database, days=30, clock=lambda: NOON)
        await keep(runs)

        async def is_gone() -> bool:
            return not traces(file)

        async with tidied(runs, retry=0.001):
            with reading(file):
                assert await runs.forget(PERSON) == Forgotten(runs=1, votes=0, pending=True)
                assert "what was deleted is still in the database's files" in caplog.text
                assert await runs.forget(PERSON) == Forgotten(runs=0, votes=0, pending=True)
                assert traces(file) == list(TRACES)
            await until(is_gone)
        assert await runs.forget(PERSON) == Forgotten(runs=0, votes=0)


async def test_a_blocked_wipe_can_be_done_by_the_next_process(file: Path) -> None:
    with reading_from_the_beginning(file):
        async with opened(f"sqlite:///{file}") as database:
            runs = Runs(database, days=30, clock=lambda: NOON)
            await keep(runs)
            with reading(file):
                async with tidied(runs):
                    assert (await runs.forget(PERSON)).pending
        assert traces(file)  # it ended before anything could be wiped

        async with opened(f"sqlite:///{file}") as database, tidied(Runs(database, days=30), retry=0.001):

            async def is_gone() -> bool:
                return not traces(file)

            await until(is_gone)


@contextmanager
def reading_from_the_beginning(file: Path) -> Iterator[None]:
    """Another program has the database open: SQLite does not empty the journal when the bot closes it."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA user_version").fetchone()
        yield


async def test_expired_runs_are_wiped_later_too(file: Path) -> None:
    now = NOON
    async with opened(f"sqlite:///{file}") as database:
        runs = Runs(database, days=30, clock=lambda: now)
        await keep(runs)
        now += 31 * DAY
        with reading(file):
            assert await runs.delete_old() == 2
            assert traces(file)

        assert await runs.wipe()
        assert not traces(file)


async def test_others_barely_wait_for_a_blocked_wipe(file: Path) -> None:
    async with opened(f"sqlite:///{file}") as database:
        runs = Runs(database, days=30, clock=lambda: NOON)
        await keep(runs)
        with reading(file):
            await runs.forget(PERSON)
            for number in range(50):
                assert not await runs.wipe()
                await runs.keep(completion_run(f"{number:016x}"))

    assert not traces(file)


@pytest.mark.slow
async def test_in_an_older_version_s_database_derived_runs_are_found_by_ancestry(
    database: Database,
) -> None:
    family: list[Run] = [
        completion_run("1" * 16, owner=PERSON),
        completion_run("2" * 16, owner=GRACE, parent="1" * 16),
        walk_run("3" * 16, owner=ADA, parent="2" * 16),
        completion_run("4" * 16, owner=PERSON, parent="3" * 16),
        completion_run("5" * 16, owner=GRACE, parent="0" * 16),
        completion_run("6" * 16, owner=GRACE, parent="5" * 16),
    ]
    before = Runs(database, days=30, clock=lambda: NOON)
    for run in family:
        await before.keep(run)
    async with database.transaction() as connection:
        await connection.run_sync(tables.sources.drop)
        await connection.run_sync(tables.answers.drop)
        await connection.run_sync(make_tables)
    runs = Runs(database, days=30, clock=lambda: NOON)

    assert (await runs.get("4" * 16)).sources == {ADA, GRACE}
    assert await runs.forget(PERSON) == Forgotten(runs=2, votes=0)
    assert [await runs.is_kept(run.run_id) for run in family] == [False] * 4 + [True] * 2
