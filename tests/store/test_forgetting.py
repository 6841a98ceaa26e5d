"""Deleted data disappears from every file of the database, even if that has to wait."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from bot.features.guess import NO_ONE, Round, Score
from bot.queue.updates import Completion
from bot.store import tables
from bot.store.database import Database, opened
from bot.store.forgetting import Forgotten, Stored
from bot.store.housekeeping import tidied
from bot.store.migrations import bring_forward
from bot.store.rows import Run
from bot.store.runs import DAY, Runs
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
        for table in (tables.sources, tables.answers, tables.claims, tables.forgotten):
            await connection.run_sync(table.drop)
        await connection.execute(tables.revisions.delete())
        await connection.run_sync(bring_forward)
    runs = Runs(database, days=30, clock=lambda: NOON)

    assert (await runs.get("4" * 16)).sources == {ADA, GRACE}
    assert await runs.forget(PERSON) == Forgotten(runs=2, votes=0)
    assert [await runs.is_kept(run.run_id) for run in family] == [False] * 4 + [True] * 2


OURS, THEIRS = (7454, 2402, 257), PROMPT


async def begin_round(runs: Runs, run_id: str, prompt_ids: tuple[int, ...], guild: int | None) -> None:
    """Let the person begin a round and vote, on a server with Grace, and end it."""
    run = walk_run(run_id, owner=PERSON, prompt_ids=prompt_ids)
    await runs.keep(run, Round(run_id, guild, (262, 257, 530, 407), 262), channel=1)
    for person in (PERSON, GRACE) if guild else (PERSON,):
        await runs.rounds.vote(run_id, person, 262)
    await runs.rounds.reveal(run_id)


async def test_a_round_stays_without_its_beginner_and_their_text(database: Database) -> None:
    runs = Runs(database, days=30, clock=lambda: NOON)
    await begin_round(runs, "1" * 16, OURS, guild=7)
    await begin_round(runs, "2" * 16, THEIRS, guild=7)
    await begin_round(runs, "3" * 16, THEIRS, guild=None)
    assert await runs.rounds.scores(7) == (Score(GRACE, 2, 2), Score(PERSON, 2, 2))

    # Of the texts, ours is not the person's; the round in a direct message is no one else's.
    expected = Stored(runs=2, votes=3, rounds=2)
    assert await runs.stored(PERSON, ours=[OURS]) == expected
    assert await runs.forget(PERSON, ours=[OURS]) == Forgotten(runs=2, votes=3, rounds=2)
    assert await runs.stored(PERSON, ours=[OURS]) == Stored()

    assert await runs.rounds.scores(7) == (Score(GRACE, 2, 2),)
    for run_id, prompt_ids in (("1" * 16, OURS), ("2" * 16, ())):
        kept = await runs.walk(run_id)
        assert (kept.owner, kept.walk.prompt_ids) == (NO_ONE, prompt_ids)
        assert (await runs.rounds.find(run_id)).votes == {GRACE: 262}
    assert not await runs.is_kept("3" * 16)


async def test_a_round_that_stays_answers_no_request(database: Database) -> None:
    runs = Runs(database, days=30, clock=lambda: NOON)
    await begin_round(runs, "1" * 16, THEIRS, guild=7)
    asked = walk_run("2" * 16, owner=GRACE, prompt_ids=THEIRS).walk
    assert await runs.answer(asked, FINGERPRINT, channel=1)
    await runs.forget(PERSON)

    assert await runs.answer(asked, FINGERPRINT, channel=1) is None


async def test_a_round_that_stays_leaves_nothing_of_its_beginner_in_the_files(file: Path) -> None:
    async with opened(f"sqlite:///{file}") as database:
        runs = Runs(database, days=30, clock=lambda: NOON)
        await begin_round(runs, "1" * 16, THEIRS, guild=7)
        assert traces(file) == list(TRACES)

        assert await runs.forget(PERSON) == Forgotten(runs=1, votes=1, rounds=1)
        assert traces(file) == []


async def test_what_waits_to_be_stored_is_counted_and_dropped(tmp_path: Path) -> None:
    folder = tmp_path / "later"
    async with opened(f"sqlite:///{folder}/runs.sqlite3") as database:
        runs = Runs(database, days=30, clock=lambda: NOON)
        await keep(runs)
        folder.mkdir()

        assert await runs.stored(PERSON) == Stored(runs=1)
        assert await runs.forget(PERSON) == Forgotten(runs=1)
        assert runs.unsaved == 0


@pytest.mark.parametrize(
    ("now", "then", "more"),
    [
        (Stored(2, 1, 1), Stored(2, 1, 1), False),
        (Stored(1, 0, 0), Stored(2, 1, 1), False),
        (Stored(3, 0, 0), Stored(2, 1, 1), True),
        (Stored(0, 2, 0), Stored(2, 1, 1), True),
        (Stored(0, 0, 2), Stored(2, 1, 1), True),
    ],
)
def test_more_of_anything_exceeds(now: Stored, then: Stored, more: bool) -> None:
    assert now.exceeds(then) is more
