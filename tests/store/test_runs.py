"""Runs that buttons refer to are found until they expire, even if the database fails."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from sqlalchemy import update

from bot.errors import RunExpired, StoreUnavailable
from bot.features.complete import CompletionJob
from bot.features.tour import taken
from bot.store import tables
from bot.store.database import Database, opened
from bot.store.forgetting import Forgotten
from bot.store.runs import DAY, Runs
from tests.support.clocks import Clock
from tests.support.samples import ADA, FINGERPRINT, GRACE, NOON, completion_run, made_from, walk_run

A, B, C = "a" * 16, "b" * 16, "c" * 16
CHANNEL = 1
ALAN = 42


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON)


@pytest.fixture
def runs(database: Database, clock: Clock) -> Runs:
    return Runs(database, days=30, clock=clock)


@pytest.fixture
def failing(tmp_path: Path) -> Path:
    """A file in a folder that is not there yet: opening it fails until it is made."""
    return tmp_path / "later" / "runs.sqlite3"


async def test_a_kept_run_is_found_by_its_id(runs: Runs) -> None:
    await runs.keep(completion_run(A))
    await runs.keep(walk_run(B))

    assert await runs.completion(A) == completion_run(A)
    assert await runs.walk(B) == walk_run(B)
    assert [await runs.get(A), await runs.get(B)] == [completion_run(A), walk_run(B)]


async def test_an_id_of_another_kind_or_unknown_has_expired(runs: Runs) -> None:
    await runs.keep(completion_run(A))
    await runs.keep(walk_run(B))

    for looked_up in (runs.walk(A), runs.completion(B), runs.completion(C), runs.get(C)):
        with pytest.raises(RunExpired) as expired:
            await looked_up
        assert expired.value.days == 30


async def test_a_run_is_gone_when_it_is_too_old_and_not_before(runs: Runs, clock: Clock) -> None:
    await runs.keep(completion_run(A))
    clock.now = NOON + 30 * DAY
    assert await runs.completion(A)
    assert await runs.delete_old() == 0

    clock.now += 1
    with pytest.raises(RunExpired):
        await runs.completion(A)
    assert await runs.delete_old() == 1


async def test_forgetting_deletes_everything_of_one_person_and_nothing_of_another(runs: Runs) -> None:
    await runs.keep(completion_run(A))
    await runs.keep(walk_run(B))
    await runs.keep(completion_run(C, owner=GRACE))

    assert await runs.forget(ADA) == Forgotten(runs=2, votes=0)
    assert await runs.forget(ADA) == Forgotten(runs=0, votes=0)
    with pytest.raises(RunExpired):
        await runs.completion(A)
    assert await runs.completion(C)


def the_same(owner: int) -> CompletionJob:
    run = completion_run()
    return CompletionJob("9" * 16, owner, run.prompt_ids, run.params, private=False)


async def test_a_repeated_request_has_a_saved_reply(runs: Runs) -> None:
    answer = partial(runs.answer, channel=CHANNEL)
    assert await answer(the_same(GRACE), FINGERPRINT) is None
    await runs.keep(completion_run(A), channel=CHANNEL)

    assert await answer(the_same(GRACE), FINGERPRINT) == completion_run(A)
    assert await answer(the_same(GRACE), structs.replace(FINGERPRINT, engine=4)) is None
    assert await answer(replace(the_same(GRACE), prompt_ids=(1,)), FINGERPRINT) is None


async def test_a_walk_s_step_has_a_saved_reply_too(runs: Runs) -> None:
    answer = partial(runs.answer, channel=CHANNEL)
    await runs.keep(walk_run(B, 530), channel=CHANNEL)

    assert await answer(replace(walk_run(C, 530).walk, owner=GRACE), FINGERPRINT) == walk_run(B, 530)
    assert await answer(walk_run(C, 531).walk, FINGERPRINT) is None


async def test_a_private_run_is_reused_only_for_its_author(runs: Runs) -> None:
    await runs.keep(completion_run(A, private=True), channel=CHANNEL)

    for channel in (CHANNEL, None):
        assert await runs.answer(the_same(GRACE), FINGERPRINT, channel=channel) is None
        assert await runs.answer(the_same(ADA), FINGERPRINT, channel=channel)


@pytest.mark.parametrize("kept_in", [CHANNEL, None])
async def test_a_run_from_another_channel_or_none_is_reused_only_for_its_author(
    runs: Runs, kept_in: int | None
) -> None:
    await runs.keep(completion_run(A), channel=kept_in)
    await runs.keep(walk_run(B), channel=kept_in)

    for channel in (CHANNEL + 1, None):
        for asked in (the_same(GRACE), replace(walk_run(C).walk, owner=GRACE)):
            assert await runs.answer(asked, FINGERPRINT, channel=channel) is None
        assert await runs.answer(the_same(ADA), FINGERPRINT, channel=channel) == completion_run(A)


@pytest.mark.parametrize("changed", [{"by_hand": (1,)}, {"finish_reason": "cancelled"}, {"mixed": True}])
async def test_a_run_that_its_settings_do_not_reproduce_is_not_reused(
    runs: Runs, changed: dict[str, Any]
) -> None:
    await runs.keep(completion_run(A, **changed), channel=CHANNEL)

    for person in (ADA, GRACE):
        assert await runs.answer(the_same(person), FINGERPRINT, channel=CHANNEL) is None


async def test_an_expired_run_is_not_reused(runs: Runs, clock: Clock) -> None:
    await runs.keep(completion_run(A))
    clock.now = NOON + 31 * DAY

    assert await runs.answer(the_same(ADA), FINGERPRINT) is None


async def test_siblings_are_the_kept_runs_of_one_group(runs: Runs, clock: Clock) -> None:
    for run_id in (A, B):
        await runs.keep(completion_run(run_id, group=A))
    await runs.keep(completion_run(C))

    assert await runs.siblings(A) == {A, B}
    assert await runs.siblings(C) == {C}
    clock.now += 31 * DAY
    assert not await runs.siblings(A)


async def test_a_run_that_cannot_be_stored_is_found_and_stored_later(
    failing: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(f"sqlite:///{failing}") as database:
        runs = Runs(database, days=30, clock=clock)
        await runs.keep(completion_run(A))
        assert await runs.completion(A) == completion_run(A)
        with pytest.raises(StoreUnavailable):
            await runs.completion(B)
        assert "1 run not stored yet" in caplog.text
        caplog.clear()

        failing.parent.mkdir()
        await runs.flush()
        await runs.keep(walk_run(B))
    async with opened(f"sqlite:///{failing}") as database:
        after = Runs(database, days=30, clock=clock)
        assert await after.completion(A) == completion_run(A)
        assert await after.walk(B) == walk_run(B)


async def test_a_failing_store_has_no_saved_reply_and_prevents_no_new_one(
    failing: Path, clock: Clock
) -> None:
    async with opened(f"sqlite:///{failing}") as database:
        assert await Runs(database, days=30, clock=clock).answer(the_same(ADA), FINGERPRINT) is None


async def test_a_damaged_run_is_not_reused(runs: Runs, database: Database) -> None:
    await runs.keep(completion_run(A))
    async with database.transaction() as connection:
        await connection.execute(update(tables.runs).values(steps=b"cut"))

    assert await runs.answer(the_same(ADA), FINGERPRINT) is None


async def test_forgetting_deletes_runs_that_wait_to_be_stored(failing: Path, clock: Clock) -> None:
    async with opened(f"sqlite:///{failing}") as database:
        runs = Runs(database, days=30, clock=clock)
        await runs.keep(completion_run(A))
        failing.parent.mkdir()

        assert await runs.forget(ADA) == Forgotten(runs=1, votes=0)
        with pytest.raises(RunExpired):
            await runs.completion(A)


async def test_a_running_text_is_not_stored_once_its_owner_is_forgotten(runs: Runs, clock: Clock) -> None:
    begun = clock.now
    clock.now += 5
    await runs.forget(ADA)
    await runs.keep(completion_run(A, asked_at=begun))
    await runs.keep(completion_run(B, asked_at=begun, owner=GRACE))
    await runs.keep(completion_run(C, asked_at=clock.now + 1))

    assert [await runs.is_kept(run_id) for run_id in (A, B, C)] == [False, True, True]


async def test_a_run_that_waits_to_be_stored_expires_too(failing: Path, clock: Clock) -> None:
    async with opened(f"sqlite:///{failing}") as database:
        runs = Runs(database, days=30, clock=clock)
        await runs.keep(completion_run(A))
        clock.now += 30 * DAY + 1
        failing.parent.mkdir()

        with pytest.raises(RunExpired):
            await runs.completion(A)
        assert await runs.delete_old() == 1


async def test_forgetting_deletes_derived_runs_of_others_at_any_depth(runs: Runs) -> None:
    mine = completion_run(A)
    theirs = made_from(mine, B, owner=GRACE)
    await runs.keep(mine)
    await runs.keep(theirs)
    await runs.keep(made_from(theirs, C, owner=ALAN))
    await runs.keep(completion_run("d" * 16, owner=GRACE))  # Grace's own request

    assert await runs.forget(ADA) == Forgotten(runs=1, votes=0)
    assert [await runs.is_kept(run_id) for run_id in (A, B, C, "d" * 16)] == [False, False, False, True]


async def test_forgetting_deletes_derived_runs_even_of_an_expired_original(runs: Runs, clock: Clock) -> None:
    await runs.keep(completion_run(A))
    clock.now += 29 * DAY
    await runs.keep(made_from(completion_run(A), B, owner=GRACE, asked_at=clock.now))
    clock.now += 2 * DAY
    assert await runs.delete_old() == 1

    await runs.forget(ADA)
    assert not await runs.is_kept(B)


async def test_forgetting_deletes_walks_and_tours_that_others_continued(runs: Runs) -> None:
    walk = walk_run(A).walk.append(530, owner=GRACE, private=True)
    tour = taken(completion_run(B), owner=GRACE, now=NOON)
    await runs.keep(replace(walk_run(), walk=walk))
    await runs.keep(tour)

    await runs.forget(ADA)
    assert not await runs.is_kept(walk.run_id)
    assert not await runs.is_kept(tour.run_id)


async def test_forgetting_the_author_of_a_derived_run_keeps_the_original(runs: Runs) -> None:
    await runs.keep(completion_run(A))
    await runs.keep(made_from(completion_run(A), B, owner=GRACE))

    assert await runs.forget(GRACE) == Forgotten(runs=1, votes=0)
    assert await runs.is_kept(A)


async def test_forgetting_deletes_derived_runs_that_wait_to_be_stored(failing: Path, clock: Clock) -> None:
    async with opened(f"sqlite:///{failing}") as database:
        runs = Runs(database, days=30, clock=clock)
        await runs.keep(made_from(completion_run(A), B, owner=GRACE))
        failing.parent.mkdir()

        await runs.forget(ADA)
        assert not await runs.is_kept(B)


async def test_a_derived_run_in_progress_is_not_stored_but_later_ones_are(runs: Runs, clock: Clock) -> None:
    await runs.keep(completion_run(A))
    read = await runs.completion(A)
    await runs.forget(ADA)
    clock.now += 1
    await runs.keep(
        made_from(read, B, owner=GRACE, asked_at=clock.now)
    )  # requested afterwards, from a run read before
    await runs.keep(made_from(read, C, owner=ADA, asked_at=clock.now))
    assert not await runs.is_kept(B)
    assert not await runs.is_kept(C)

    later = completion_run(C, asked_at=clock.now)
    await runs.keep(later)
    await runs.keep(made_from(later, B, owner=GRACE, asked_at=clock.now))
    assert await runs.is_kept(B)
