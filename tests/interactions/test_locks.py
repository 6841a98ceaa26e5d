"""One press at a time changes a card; a card that many people change is edited once at a time."""

from __future__ import annotations

import asyncio

import pytest

from bot.interactions.locks import Locks
from bot.store.database import Database
from bot.store.process_claims import Claims


class Shown:
    """A card; an edit takes a moment and shows the ``state`` there was when it began."""

    def __init__(self) -> None:
        self.state = 0
        self.edits: list[int] = []
        self.at_once = 0

    async def show(self) -> None:
        state = self.state
        self.at_once += 1
        assert self.at_once == 1
        await asyncio.sleep(0)
        self.edits.append(state)
        self.at_once -= 1


async def test_a_key_is_claimed_by_one_at_a_time() -> None:
    locks = Locks(Claims())
    async with locks.claim("a") as first, locks.claim("a") as second, locks.claim("b") as other:
        assert (first, second, other) == (True, False, True)
    async with locks.claim("a") as again:
        assert again


async def test_a_key_is_claimed_by_one_process_at_a_time(database: Database) -> None:
    if not database.is_shared:
        pytest.skip("SQLite has only one process")
    here, there = Locks(Claims(database)), Locks(Claims(database))
    async with here.claim("a") as first, there.claim("a") as second, there.claim("b") as other:
        assert (first, second, other) == (True, False, True)
    async with there.claim("a") as again:
        assert again


async def test_one_change_is_one_edit() -> None:
    card = Shown()

    assert await Locks(Claims()).refresh("a", card.show)
    assert card.edits == [0]


async def test_many_simultaneous_changes_take_two_edits_and_the_last_shows_them_all() -> None:
    locks, card = Locks(Claims()), Shown()

    async def change() -> bool:
        card.state += 1
        return await locks.refresh("a", card.show)

    did = await asyncio.gather(*(change() for _ in range(20)))

    assert did == [True] + [False] * 19
    assert card.edits == [1, 20]


async def test_cards_do_not_wait_for_each_other() -> None:
    locks, card, other = Locks(Claims()), Shown(), Shown()

    assert all(await asyncio.gather(locks.refresh("a", card.show), locks.refresh("b", other.show)))


async def test_after_a_failed_edit_the_next_change_is_shown() -> None:
    locks, card = Locks(Claims()), Shown()

    async def fail() -> None:
        raise OSError("no network")

    with pytest.raises(OSError, match="no network"):
        await locks.refresh("a", fail)
    assert await locks.refresh("a", card.show)
