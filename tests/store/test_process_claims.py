"""What several processes could do is done by one; where the database fails, each decides by itself."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import StoreUnavailable
from bot.store import tables
from bot.store.database import IN_MEMORY, Database, opened
from bot.store.process_claims import LIFETIME, PAUSE, Claims
from tests.support.clocks import Clock, let_pass
from tests.support.samples import NOON


@pytest.fixture
def shared(database: Database) -> Database:
    return database if database.is_shared else pytest.skip("SQLite has only one process")


async def held(database: Database) -> int:
    async with database.transaction() as connection:
        return int(await connection.scalar(select(func.count()).select_from(tables.claims)) or 0)


async def test_one_process_claims_everything_without_asking() -> None:
    async with opened(IN_MEMORY) as database:
        for alone in (Claims(), Claims(database)):
            assert not alone.are_needed
            assert [await alone.take("a") for _ in range(2)] == [True, True]
            await alone.release("a")
            await alone.delete_old()
        assert await held(database) == 0


async def test_only_the_first_of_several_processes_has_a_claim(shared: Database) -> None:
    first, second = Claims(shared), Claims(shared)

    assert first.are_needed
    assert [await first.take("a"), await second.take("a"), await second.take("b")] == [True, False, True]


async def test_what_is_given_back_can_be_claimed_again(shared: Database) -> None:
    first, second = Claims(shared), Claims(shared)
    await first.take("a")
    await first.release("a")

    assert await second.take("a")


async def test_a_claim_of_a_process_that_is_gone_ends_by_itself(shared: Database) -> None:
    gone, heir = Claims(shared), Claims(shared)
    await gone.take("a")
    await let_pass(shared, LIFETIME / 2)
    assert not await heir.take("a")
    await let_pass(shared, LIFETIME / 2)
    assert await heir.take("a")


@pytest.mark.parametrize("seconds", [-LIFETIME - 1, LIFETIME + 1])
async def test_a_claim_holds_whatever_another_process_s_clock_says(shared: Database, seconds: float) -> None:
    clock = Clock(NOON)
    ours, theirs = Claims(shared, clock=clock), Claims(shared, clock=Clock(NOON + seconds))
    await ours.take("a", lasting=True)
    assert not await theirs.take("a")

    clock.now += LIFETIME
    await ours.renew()
    await theirs.delete_old()
    assert not await theirs.take("a")

    await let_pass(shared, LIFETIME)
    assert await theirs.take("a")


async def test_a_claim_that_lasts_is_renewed_until_it_is_given_back(shared: Database) -> None:
    clock = Clock()
    first, second = Claims(shared, clock=clock), Claims(shared)
    await first.take("a", lasting=True)
    await first.take("b")
    for _ in range(6):
        clock.now += LIFETIME / 3
        await let_pass(shared, LIFETIME / 3)
        await first.renew()
    assert not await second.take("a")
    assert await second.take("b")

    await first.release("a")
    clock.now += LIFETIME / 3
    await first.renew()
    assert await second.take("a")


async def test_a_claim_that_another_process_took_meanwhile_is_left_to_it(
    shared: Database, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    late, heir, third = Claims(shared, clock=clock), Claims(shared), Claims(shared)
    for key in ("a", "b", "c"):
        await late.take(key, lasting=True)
    await let_pass(shared, LIFETIME)
    assert [await heir.take(key, lasting=True) for key in ("a", "b")] == [True, True]
    before = await ends(shared)
    await let_pass(shared, 1.0)

    await late.release("a")
    assert not await third.take("a")
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            clock.now += LIFETIME
            await late.renew()
    after = await ends(shared)
    assert [after[_key(key)] - before[_key(key)] for key in ("a", "b")] == [-1.0, -1.0]
    assert after[_key("c")] > before[_key("c")] + LIFETIME / 2  # nobody had taken it
    assert caplog.messages == ["1 claim not renewed in time: another process may do the same once more"]


async def ends(database: Database) -> dict[str, float]:
    """When each claim ends, by the database's clock."""
    async with database.transaction() as connection:
        rows = await connection.execute(select(tables.claims.c.key, tables.claims.c.until))
        return {row.key: row.until for row in rows}


async def test_who_could_not_ask_gives_nothing_of_others_back(shared: Database) -> None:
    hasty, owner, third = Claims(shared), Claims(shared), Claims(shared)
    await owner.take("a", lasting=True)
    assert await hasty.take("a", patience=0.0)

    await hasty.release("a")
    assert not await third.take("a")


class Unconfirmed(Database):
    """It does what it should, but nobody hears of it."""

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        async with super().transaction() as connection:
            yield connection
        raise StoreUnavailable("the connection broke after the commit")


async def test_a_claim_that_was_not_confirmed_can_be_given_back(shared: Database, url: str) -> None:
    deaf, other = Unconfirmed(url), Claims(shared)
    claims = Claims(deaf)
    assert await claims.take("a", lasting=True)
    assert not await other.take("a")

    await claims.release("a")
    assert await other.take("a")
    await deaf.close()


async def test_old_claims_are_deleted(shared: Database) -> None:
    claims = Claims(shared)
    await claims.take("a")
    await let_pass(shared, LIFETIME / 2)
    await claims.take("b")
    await let_pass(shared, LIFETIME / 2)
    await claims.delete_old()

    assert await held(shared) == 1


async def test_keys_are_not_stored(shared: Database) -> None:
    await Claims(shared).take("a person's id")
    async with shared.transaction() as connection:
        (key,) = await connection.scalars(select(tables.claims.c.key))

    assert "person" not in key
    assert len(key) == 32


async def test_without_an_answer_each_process_decides_and_soon_does_not_ask_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = 1_000.0
    async with opened("postgresql://nobody@127.0.0.1:1/nothing") as unreachable:
        claims = Claims(unreachable, clock=lambda: now)
        with caplog.at_level(logging.WARNING):
            assert await claims.take("a")
            assert await claims.take("a")
            now += PAUSE + 1
            assert await claims.take("a")
            await claims.release("a")

    assert caplog.text.count("answering without asking other processes") == 1


async def test_a_slow_database_is_not_waited_for(shared: Database, caplog: pytest.LogCaptureFixture) -> None:
    claims = Claims(shared)
    async with shared.transaction() as connection:
        await connection.execute(tables.claims.insert().values(key=_key("a"), until=0.0))
        with caplog.at_level(logging.WARNING):
            assert await claims.take("a", patience=0.05)  # the row is locked by a transaction that goes on

    assert "no answer in time" in caplog.text


async def test_after_one_slow_answer_other_processes_are_asked_again(shared: Database) -> None:
    claims, other = Claims(shared), Claims(shared)
    await other.take("b")
    async with shared.transaction() as connection:
        await connection.execute(tables.claims.insert().values(key=_key("a"), until=0.0))
        assert await claims.take("a", patience=0.05)

    assert not await claims.take("b", patience=60.0)


def _key(name: str) -> str:
    from bot.store.process_claims import _digest

    return _digest(name)
