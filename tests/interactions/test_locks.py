"""A card that many change at once is edited by one at a time, and shows the newest at the end."""

from __future__ import annotations

import asyncio

import pytest

from bot.interactions.locks import Refreshes


class Shown:
    """A card that shows ``state`` a while after it was asked to."""

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


async def test_one_change_is_one_edit() -> None:
    card = Shown()

    assert await Refreshes().refresh("a", card.show)
    assert card.edits == [0]


async def test_many_changes_at_once_are_two_edits_and_the_last_shows_all() -> None:
    refreshes, card = Refreshes(), Shown()

    async def change() -> bool:
        card.state += 1
        return await refreshes.refresh("a", card.show)

    did = await asyncio.gather(*(change() for _ in range(20)))

    assert did == [True] + [False] * 19
    assert card.edits == [1, 20]


async def test_other_cards_do_not_wait() -> None:
    refreshes, card, other = Refreshes(), Shown(), Shown()

    assert all(await asyncio.gather(refreshes.refresh("a", card.show), refreshes.refresh("b", other.show)))


async def test_an_edit_that_fails_leaves_the_card_to_the_next() -> None:
    refreshes, card = Refreshes(), Shown()

    async def fail() -> None:
        raise OSError("no network")

    with pytest.raises(OSError, match="no network"):
        await refreshes.refresh("a", fail)
    assert await refreshes.refresh("a", card.show)
