"""*Why this word?*: the model's guesses at one position of a text, and forks from there."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from discord import ui

from bot.cards.why import TURNS
from bot.custom_ids import template
from bot.flows.why import fork, show_position, show_why
from bot.interactions.buttons import RunItem
from bot.interactions.reply import Interaction, is_private
from bot.services import Services

if TYPE_CHECKING:
    from bot.client import TokenwiseBot


class WhyButton(RunItem[ui.Button[Any]], template=template("why", "open", "fork", *TURNS)):
    """Opens the card, turns it to another position, or forks the text."""

    async def press(self, interaction: Interaction, services: Services) -> None:
        is_alone = is_private(interaction)
        match self.action, self.numbers:
            case "open", _:
                show = partial(show_why, services, self.run_id, private=is_alone)
                await self.beside(interaction, show, private=True)
            case "fork", (position, token_id, as_private):
                private = bool(as_private) and is_alone
                write = partial(fork, services, self.run_id, position, token_id, private)
                await self.beside(interaction, write, private=private)
            case turn, (position, as_private) if turn in TURNS:
                await show_position(services, self.run_id, position, interaction, private=bool(as_private))


class PositionMenu(RunItem[ui.Select[Any]], template=template("position", "show")):
    async def press(self, interaction: Interaction, services: Services) -> None:
        _position, as_private = self.numbers
        position = int(self.item.values[0])
        await show_position(services, self.run_id, position, interaction, private=bool(as_private))


async def setup(bot: TokenwiseBot) -> None:
    bot.add_dynamic_items(WhyButton, PositionMenu)
