"""*Numbers*: what an expert wants to know about a card."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from discord import ui

from bot.custom_ids import NUMBERS_TEMPLATE, template
from bot.flows.compare import show_numbers as show_compare
from bot.flows.complete import show_numbers as show_complete
from bot.flows.guess import show_numbers as show_guess
from bot.flows.model import show_numbers as show_model
from bot.flows.next import show_numbers as show_next
from bot.flows.vocabulary import show_numbers as show_vocabulary
from bot.flows.why import show_numbers as show_why
from bot.interactions.buttons import PersistentItem, RunItem
from bot.interactions.reply import Interaction, Reply
from bot.services import Services

if TYPE_CHECKING:
    from bot.client import TokenwiseBot


class NumbersButton(
    RunItem[ui.Button[Any]], template=template("numbers", "compare", "complete", "guess", "next", "why")
):
    """Shows the figures behind a card to the person who presses."""

    async def press(self, interaction: Interaction, services: Services) -> None:
        match self.action, self.numbers:
            case "compare", _:
                show = partial(show_compare, services, self.run_id)
            case "complete", (tokens, milliseconds):
                show = partial(show_complete, services, self.run_id, tokens=tokens, milliseconds=milliseconds)
            case "why", (position,):
                show = partial(show_why, services, self.run_id, position=position)
            case "guess", _:
                show = partial(show_guess, services, self.run_id)
            case _:
                show = partial(show_next, services, self.run_id)
        await self.beside(interaction, show, private=True)


class NumbersWithoutRun(PersistentItem[ui.Button[Any]], template=NUMBERS_TEMPLATE):
    """Does the same on a card that shows no run."""

    async def press(self, interaction: Interaction, services: Services) -> None:
        reply = Reply(interaction, private=True)
        await reply.acknowledge()
        match self.match["kind"], self.match["number"]:
            case "vocabulary", str(token_id):
                await show_vocabulary(services, int(token_id), reply)
            case _:
                await show_model(services, reply)


async def setup(bot: TokenwiseBot) -> None:
    bot.add_dynamic_items(NumbersButton, NumbersWithoutRun)
