"""A world whose database can be blocked, and every press and command that reads it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from simcord import InteractionResult, MemberActor, ResponseMessage
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.custom_ids import custom_id
from bot.playground.world import World
from bot.store.database import Database
from tests.support.comparing import opening
from tests.support.inspecting import posted, run_id_of
from tests.support.reading import buttons, card_of

TEXT: dict[str, Any] = {"prompt": "London was", "seed": 42, "max_tokens": 8}


class HeldDatabase(Database):
    """A database that blocks all transactions from ``hold`` to ``release``."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.blocked = 0
        self.wait: Callable[[Awaitable[Any]], Awaitable[Any]] | None = None
        self._open = asyncio.Event()
        self._open.set()

    def hold(self) -> None:
        self.blocked = 0
        self._open.clear()

    def release(self) -> None:
        self._open.set()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        if not self._open.is_set() and self.wait is not None:
            self.blocked += 1
            await self.wait(self._open.wait())
        async with super().transaction() as connection:
            yield connection


@dataclass(frozen=True)
class Held:
    """A world with such a database."""

    world: World
    database: HeldDatabase

    @property
    def ada(self) -> MemberActor:
        return self.world.members[0]

    @property
    def grace(self) -> MemberActor:
        return self.world.members[1]

    async def card(self, name: str, **options: Any) -> ResponseMessage:
        """The finished card of one of Ada's commands."""
        return card_of(await self.ada.slash(self.world.channel, name, **options))


Act = Callable[[], Awaitable[InteractionResult]]
Ready = Callable[[Held], Awaitable[Act]]


def slash(name: str, **options: Any) -> Ready:
    async def ready(held: Held) -> Act:
        return partial(held.ada.slash, held.world.channel, name, **options)

    return ready


def click(label: str, name: str, *, by_another: bool = False, **options: Any) -> Ready:
    """A press on the card's button whose label begins with ``label``."""

    async def ready(held: Held) -> Act:
        card = await held.card(name, **options)
        pressed = next(one["custom_id"] for one in buttons(card.components) if one["label"].startswith(label))
        return partial((held.grace if by_another else held.ada).click, card, custom_id=pressed)

    return ready


async def undo(held: Held) -> Act:
    first = await held.card("next", prompt="London was", seed=42)
    token = next(buttons(first.components))["custom_id"]
    second = card_of(await held.ada.click(first, custom_id=token))
    return partial(held.ada.click, second, label="Undo")


def why(action: str, *, private: bool = False) -> Ready:
    """A press on the first enabled button for ``action`` on a "Why this word?" card."""

    async def ready(held: Held) -> Act:
        text = await held.card("complete", **TEXT, private=private)
        card = card_of(await held.ada.click(text, label="Why this word?"))
        pressed = next(
            one["custom_id"]
            for one in buttons(card.components)
            if re.match(rf"why:(?:{action}):", one["custom_id"]) and not one.get("disabled")
        )
        return partial(held.ada.click, card, custom_id=pressed)

    return ready


async def another_position(held: Held) -> Act:
    text = await held.card("complete", **TEXT)
    card = card_of(await held.ada.click(text, label="Why this word?"))
    return partial(held.ada.select, card, ["2"])


async def one_of_a_comparison(held: Held) -> Act:
    card = await held.card("compare", prompt="London was", seed=42, max_tokens=4)
    return partial(held.ada.click, card, custom_id=opening(card)["greedy"])


async def all_of_a_comparison(held: Held) -> Act:
    card = await held.card("compare", prompt="London was", seed=42, max_tokens=4)
    return partial(held.ada.click, card, label="Show all six")


async def own_text(held: Held) -> Act:
    card = await held.card("tour", seed=42)
    modal = await held.ada.click(card, label="Try it yourself")
    return partial(held.ada.submit_modal, modal, {"text": "Paris will"})


async def another_s_own_text(held: Held) -> Act:
    card = await held.card("tour", seed=42)
    modal = await held.grace.click(card, label="Try it yourself")
    return partial(held.grace.submit_modal, modal, {"text": "Paris will"})


def of_a_message(name: str) -> Ready:
    async def ready(held: Held) -> Act:
        card = await held.card("complete", **TEXT)
        return partial(held.grace.context_menu, held.world.channel, name, card.message)

    return ready


def stop(family: str) -> Ready:
    """A press on the Stop button of a text that has already ended."""

    async def ready(held: Held) -> Act:
        text = await held.card("complete", **TEXT)
        button = custom_id(family, "stop", run_id_of(text))
        return partial(held.ada.click, await posted(held.world, button), custom_id=button)

    return ready
