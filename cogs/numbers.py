"""*Numbers*: what an expert wants to know about a card."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from discord import ui

from bot.custom_ids import template
from bot.flows.next import show_numbers as show_next
from bot.flows.why import show_numbers as show_why
from bot.interactions.buttons import RunItem
from bot.interactions.reply import Interaction
from bot.services import Services

if TYPE_CHECKING:
    from bot.client import TokenwiseBot


class NumbersButton(RunItem[ui.Button[Any]], template=template("numbers", "next", "why")):
    """Shows the figures behind a card to the person who presses."""

    async def press(self, interaction: Interaction, services: Services) -> None:
        match self.action, self.numbers:
            case "why", (position,):
                show = partial(show_why, services, self.run_id, position=position)
            case _:
                show = partial(show_next, services, self.run_id)
        await self.beside(interaction, show, private=True)


async def setup(bot: TokenwiseBot) -> None:
    bot.add_dynamic_items(NumbersButton)
