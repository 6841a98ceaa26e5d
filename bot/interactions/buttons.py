"""Buttons and menus that are found by their ``custom_id``, so they outlive a restart."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, Self, TypeVar, cast

from discord import ui

from bot.interactions.checks import admitted
from bot.interactions.error_handler import report
from bot.interactions.reply import Interaction, Reply
from bot.interactions.responses import defer
from bot.services import Services

Item = TypeVar("Item", bound="ui.Item[Any]")


class PersistentItem(ui.DynamicItem[Item], Generic[Item], template="-"):
    """Something on a card that can be pressed, also after a restart.

    Subclasses give the ``template``, whose ``match`` they have, and implement
    ``press``; errors raised there reach ``report`` like those of commands, for
    discord.py would only log them. A second press of the same person does
    nothing until what the first one asked for is there.
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
        return await admitted(interaction)

    async def callback(self, interaction: Interaction) -> None:
        services: Services = interaction.client.services
        with interaction.client.locks.claim(_press(interaction)) as is_first:
            try:
                if is_first and _is_offered(self.item):
                    await self.press(interaction, services)
                else:
                    await defer(interaction)
            except Exception as error:
                await report(interaction, error)

    async def press(self, interaction: Interaction, services: Services) -> None:
        raise NotImplementedError


class RunItem(PersistentItem[Item], Generic[Item], template="-"):
    """Something that acts on a run; its template is ``bot.custom_ids.template``'s."""

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
        """Let ``show`` change the card; pressed again meanwhile, the button does nothing.

        The press is acknowledged by then.
        """
        reply = Reply(interaction, replace=True)
        await reply.acknowledge()
        with interaction.client.locks.claim(self.run_id) as is_first:
            if is_first:
                await show(reply)

    async def beside(
        self, interaction: Interaction, show: Callable[[Reply], Awaitable[None]], *, private: bool
    ) -> None:
        """Let ``show`` answer with a card of its own. The press is acknowledged by then."""
        reply = Reply(interaction, private=private)
        await reply.acknowledge()
        await show(reply)


def _is_offered(item: ui.Item[Any]) -> bool:
    """Whether what was chosen is on the card: a run's id is for those who were shown it.

    That a button is on its card, discord.py sees to.
    """
    return not isinstance(item, ui.Select) or {one.value for one in item.options}.issuperset(item.values)


def _press(interaction: Interaction) -> str:
    """Who presses what: the same for a double click."""
    data: Mapping[str, Any] = interaction.data or {}
    card = interaction.message.id if interaction.message else 0
    return f"{interaction.user.id} {card} {data.get('custom_id')} {data.get('values')}"
