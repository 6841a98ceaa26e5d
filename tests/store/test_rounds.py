"""Rounds of /guess: one vote a person, none lost or after the reveal; scores; and forgetting."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import func, select

from bot.errors import RunExpired, StoreUnavailable
from bot.features.guess import Cast, Round, Score
from bot.store import tables
from bot.store.database import Database, opened
from bot.store.runs import DAY, Runs
from tests.support.clocks import Clock
from tests.support.samples import ADA, GRACE, NOON, walk_run

A, B, C, D = "a" * 16, "b" * 16, "c" * 16, "d" * 16
SERVER, OTHER_SERVER = 77, 78
FAVOURITE, RIVAL = 262, 257
ALAN = 1912


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON)


@pytest_asyncio.fixture
async def runs(database: Database, clock: Clock) -> AsyncIterator[Runs]:
    yield Runs(database, days=30, clock=clock)


async def begin(
    runs: Runs, run_id: str = A, *, guild: int | None = SERVER, owner: int = ADA, at: float = NOON
) -> Round:
    round_ = Round(run_id, guild, (RIVAL, FAVOURITE, 530, 407), FAVOURITE)
    await runs.keep(walk_run(run_id, owner=owner, asked_at=at), round_)
    return round_


async def votes_stored(database: Database) -> int:
    async with database.transaction() as connection:
        return int(await connection.scalar(select(func.count()).select_from(tables.votes)) or 0)


async def test_a_started_round_is_found(runs: Runs) -> None:
    in_a_server = await begin(runs, A)
    in_a_message = await begin(runs, B, guild=None)

    assert await runs.rounds.find(A) == in_a_server
    assert await runs.rounds.find(B) == in_a_message


async def test_an_unknown_round_has_expired(runs: Runs) -> None:
    with pytest.raises(RunExpired) as expired:
        await runs.rounds.find(A)

    assert expired.value.days == 30


async def test_each_person_has_one_vote_and_can_change_it(runs: Runs) -> None:
    await begin(runs)

    assert await runs.rounds.vote(A, ADA, RIVAL) == Cast(counts=True)
    assert await runs.rounds.vote(A, GRACE, RIVAL) == Cast(counts=True)
    assert await runs.rounds.vote(A, ADA, FAVOURITE) == Cast(counts=True, before=RIVAL)
    round_ = await runs.rounds.find(A)
    assert round_.votes == {ADA: FAVOURITE, GRACE: RIVAL}
    assert round_.voters(RIVAL) == (GRACE,)


async def test_no_vote_counts_after_the_reveal(runs: Runs) -> None:
    await begin(runs)
    await runs.rounds.vote(A, ADA, RIVAL)
    await runs.rounds.reveal(A)

    assert await runs.rounds.vote(A, ADA, FAVOURITE) == Cast(counts=False)
    assert await runs.rounds.vote(A, GRACE, FAVOURITE) == Cast(counts=False)
    assert (await runs.rounds.find(A)).votes == {ADA: RIVAL}


async def test_a_second_reveal_changes_nothing(runs: Runs) -> None:
    await begin(runs)
    await asyncio.gather(runs.rounds.reveal(A), runs.rounds.reveal(A))
    revealed = await runs.rounds.find(A)
    await runs.rounds.reveal(A)

    assert revealed.revealed
    assert await runs.rounds.find(A) == revealed


async def test_a_vote_for_a_round_that_is_gone_does_not_count(runs: Runs) -> None:
    assert await runs.rounds.vote(A, ADA, FAVOURITE) == Cast(counts=False)


async def test_no_simultaneous_vote_is_lost(runs: Runs) -> None:
    await begin(runs)
    cast = await asyncio.gather(
        *(runs.rounds.vote(A, person, (FAVOURITE, RIVAL)[person % 2]) for person in range(1, 41))
    )

    assert cast == [Cast(counts=True)] * 40
    votes = (await runs.rounds.find(A)).votes
    assert votes == {person: (FAVOURITE, RIVAL)[person % 2] for person in range(1, 41)}


async def test_one_person_who_presses_everything_at_once_has_one_vote(runs: Runs, database: Database) -> None:
    await begin(runs)
    pressed = [FAVOURITE, RIVAL, 530, 407] * 5
    cast = await asyncio.gather(*(runs.rounds.vote(A, ADA, token_id) for token_id in pressed))

    assert [vote.before for vote in cast].count(None) == 1
    assert await votes_stored(database) == 1


async def test_a_vote_counts_if_and_only_if_it_came_before_the_reveal(runs: Runs) -> None:
    await begin(runs)
    votes = [asyncio.create_task(runs.rounds.vote(A, person, FAVOURITE)) for person in range(1, 21)]
    await runs.rounds.reveal(A)
    at_the_reveal = (await runs.rounds.find(A)).votes
    cast = await asyncio.gather(*votes)

    assert (await runs.rounds.find(A)).votes == at_the_reveal
    assert set(at_the_reveal) == {person for person, vote in enumerate(cast, start=1) if vote.counts}


async def test_scores_count_a_server_s_finished_rounds(runs: Runs) -> None:
    await begin(runs, A)
    await begin(runs, B)
    await begin(runs, C)
    for run_id, person, token_id in [
        (A, ADA, FAVOURITE),
        (A, GRACE, FAVOURITE),
        (A, ALAN, RIVAL),
        (B, GRACE, RIVAL),
        (C, ALAN, FAVOURITE),  # not over
    ]:
        await runs.rounds.vote(run_id, person, token_id)
    await runs.rounds.reveal(A)
    await runs.rounds.reveal(B)

    # With equally many correct guesses, fewer rounds rank first.
    assert await runs.rounds.scores(SERVER) == (Score(ADA, 1, 1), Score(GRACE, 1, 2), Score(ALAN, 0, 1))


async def test_every_server_has_its_own_scores(runs: Runs) -> None:
    for run_id, guild in [(A, SERVER), (B, OTHER_SERVER), (C, None)]:
        await begin(runs, run_id, guild=guild)
        await runs.rounds.vote(run_id, ADA, FAVOURITE)
        await runs.rounds.reveal(run_id)

    assert await runs.rounds.scores(SERVER) == (Score(ADA, 1, 1),)
    assert await runs.rounds.scores(0) == ()


async def test_the_latest_beginnings_are_those_of_the_server_or_person(runs: Runs) -> None:
    await begin(runs, A, at=NOON)
    await begin(runs, B, at=NOON + 1, owner=GRACE)
    await begin(runs, C, at=NOON + 2, guild=None)
    london_was = walk_run().walk.prompt_ids

    assert await runs.rounds.latest(SERVER, ADA, limit=5) == [london_was] * 2
    assert await runs.rounds.latest(SERVER, ADA, limit=1) == [london_was]
    assert await runs.rounds.latest(None, ADA, limit=5) == [london_was]
    assert await runs.rounds.latest(None, GRACE, limit=5) == []
    assert await runs.rounds.latest(SERVER, ADA, limit=5, encoding="bpe:another") == []


async def test_a_round_goes_when_its_run_is_too_old(runs: Runs, clock: Clock, database: Database) -> None:
    await begin(runs, A)
    await begin(runs, B, at=NOON + DAY)
    for run_id in (A, B):
        await runs.rounds.vote(run_id, ADA, FAVOURITE)
        await runs.rounds.reveal(run_id)
    clock.now = NOON + 30 * DAY + 1

    assert await runs.rounds.scores(SERVER) == (Score(ADA, 1, 1),)
    assert await runs.delete_old() == 1
    with pytest.raises(RunExpired):
        await runs.rounds.find(A)
    assert await runs.rounds.find(B)
    assert await votes_stored(database) == 1


async def test_forgetting_a_person_deletes_their_votes_and_keeps_the_others(
    runs: Runs, database: Database
) -> None:
    await begin(runs, A, owner=ADA)
    await begin(runs, B, owner=GRACE)
    for run_id in (C, D):  # with Ada alone, and in a group
        await begin(runs, run_id, owner=ADA, guild=None)
    for run_id in (A, B, C, D):
        await runs.rounds.vote(run_id, ADA, FAVOURITE)
    for run_id in (A, B, D):
        await runs.rounds.vote(run_id, GRACE, RIVAL)

    forgotten = await runs.forget(ADA)
    assert (forgotten.runs, forgotten.votes, forgotten.rounds) == (3, 4, 2)
    with pytest.raises(RunExpired):
        await runs.rounds.find(C)
    for run_id in (A, B, D):
        assert (await runs.rounds.find(run_id)).votes == {GRACE: RIVAL}
    assert await votes_stored(database) == 3


async def test_a_round_without_its_beginner_goes_on(runs: Runs, clock: Clock) -> None:
    await begin(runs, A, owner=ADA)
    await runs.forget(ADA)

    assert (await runs.rounds.vote(A, GRACE, FAVOURITE)).counts
    await runs.rounds.reveal(A)
    assert await runs.rounds.scores(SERVER) == (Score(GRACE, 1, 1),)
    clock.now = NOON + 30 * DAY + 1
    assert await runs.delete_old() == 1


async def test_a_person_who_only_voted_is_forgotten_too(runs: Runs) -> None:
    await begin(runs, A, owner=GRACE)
    await runs.rounds.vote(A, ADA, FAVOURITE)

    assert (await runs.forget(ADA)).runs == 0
    assert (await runs.rounds.find(A)).votes == {}


async def test_a_person_can_be_forgotten_while_they_vote(runs: Runs, database: Database) -> None:
    await begin(runs, A)
    forgotten, votes = await asyncio.gather(
        runs.forget(ADA),
        asyncio.gather(*(runs.rounds.vote(A, ADA, token_id) for token_id in (FAVOURITE, RIVAL) * 5)),
    )

    assert (forgotten.runs, forgotten.rounds) == (1, 1)
    assert all(vote.counts for vote in votes)
    # What they voted afterwards counts again, until they are forgotten again.
    assert await votes_stored(database) == [vote.before for vote in votes].count(None) - forgotten.votes
    await runs.forget(ADA)
    assert await votes_stored(database) == 0


async def test_a_round_is_stored_with_its_run_even_if_that_had_to_wait(tmp_path: Path) -> None:
    file = tmp_path / "later" / "runs.sqlite3"
    async with opened(f"sqlite:///{file}") as database:
        runs = Runs(database, days=30, clock=Clock(NOON))
        await begin(runs, A)
        with pytest.raises(StoreUnavailable):
            await runs.rounds.vote(A, ADA, RIVAL)
        file.parent.mkdir()
        await runs.flush()

        assert (await runs.rounds.vote(A, ADA, RIVAL)).counts


async def test_a_store_that_fails_says_so(tmp_path: Path) -> None:
    async with opened(f"sqlite:///{tmp_path}/later/runs.sqlite3") as database:
        with pytest.raises(StoreUnavailable):
            await Runs(database, days=30).rounds.vote(A, ADA, FAVOURITE)
