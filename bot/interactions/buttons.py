"""Buttons and menus that are found by their ``custom_id``, so they survive a restart."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, Self, TypeVar, cast

from discord import ui

from bot.interactions.checks import is_admitted
from bot.interactions.error_handler import answer_with_error
from bot.interactions.reply import Interaction, Reply
from bot.interactions.responses import defer
from bot.services import Services

Item = TypeVar("Item", bound="ui.Item[Any]")


class PersistentItem(ui.DynamicItem[Item], Generic[Item], template="-"):
    """Something on a card to press or choose from, before and after a restart.

    Subclasses give the ``template``, whose ``match`` they have, and implement :meth:`press`. Its errors
    reach the person like those of commands; discord.py would only log them. While a press is being
    answered, the same person's second one does nothing.
    """

    def __init__(self, item: Item, match: re.Match[str]) -> None:
        super().__init__(item)
        self.match = match

    @classmethod
    async def from_custom_id(
        cls, _interaction: Interaction, item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        return cls(cast("Item", item), match)

    async def interaction_check(self, interaction: Interaction, /) -> bool:
        return await is_admitted(interaction)

    async def callback(self, interaction: Interaction) -> None:
        async with interaction.client.locks.claim(_press_key(interaction)) as is_first:
            try:
                if is_first and _is_offered(self.item):
                    await self.press(interaction, interaction.client.services)
                else:
                    await defer(interaction)
            except Exception as error:
                await answer_with_error(interaction, error)

    async def press(self, interaction: Interaction, services: Services) -> None:
        raise NotImplementedError


class RunItem(PersistentItem[Item], Generic[Item], template="-"):
    """Something that acts on a run. Its template comes from ``bot.custom_ids.template``."""

    @property
    def action(self) -> str:
        return self.match["action"]

    @property
    def run_id(self) -> str:
        return self.match["run_id"]

    @property
    def numbers(self) -> tuple[int, ...]:
        return tuple(int(number) for number in self.match["numbers"].split(":") if number)

    async def in_place(self, interaction: Interaction, show: Callable[[Reply], Awaitable[None]]) -> None:
        """Acknowledge the press, and let ``show`` change the card unless another press is doing so."""
        reply = Reply(interaction, replace=True)
        await reply.acknowledge()
        async with interaction.client.locks.claim(self.run_id) as is_first:
            if is_first:
                await show(reply)

    async def beside(
        self, interaction: Interaction, show: Callable[[Reply], Awaitable[None]], *, private: bool
    ) -> None:
        """Acknowledge the press, and let ``show`` answer with a card of its own."""
        reply = Reply(interaction, private=private)
        await reply.acknowledge()
        await show(reply)


def _is_offered(item: ui.Item[Any]) -> bool:
    """Whether the chosen values are on the menu: a run's id belongs to those who were shown it.

    discord.py itself checks that a pressed button is on its card.
    """
    return not isinstance(item, ui.Select) or {one.value for one in item.options}.issuperset(item.values)


def _press_key(interaction: Interaction) -> str:
    """Identify who presses what: both presses of a double click have the same key."""
    data: Mapping[str, Any] = interaction.data or {}
    card = interaction.message.id if interaction.message else 0
    return f"{interaction.user.id} {card} {data.get('custom_id')} {data.get('values')}"
