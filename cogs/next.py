"""/next: the most likely next tokens, and a walk through a sentence."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from discord import app_commands, ui
from discord.ext import commands

from bot.custom_ids import template
from bot.flows.next import append, begin, roll, undo
from bot.interactions.buttons import RunItem
from bot.interactions.card_messages import owns_card
from bot.interactions.reply import Interaction, is_private
from bot.model.protocol import MAX_SEED
from bot.services import Services

if TYPE_CHECKING:
    from bot.client import TokenwiseBot


class Next(commands.Cog):
    def __init__(self, services: Services) -> None:
        self.services = services

    @app_commands.command(description="See the five most likely next tokens and walk on, token by token")
    @app_commands.describe(
        prompt="The text whose next token you want to see",
        temperature="Above 1 evens out the probabilities, below 1 sharpens them (0.9 by default)",
        top_k="Roll the dice among this many top tokens; 0 means all (50 by default)",
        seed="Same seed, same draws (random by default)",
        private="Only you see the reply",
    )
    async def next(
        self,
        interaction: Interaction,
        prompt: app_commands.Range[str, 1, 2000],
        temperature: app_commands.Range[float, 0.0, 2.0] = 0.9,
        top_k: app_commands.Range[int, 0, 1000] = 50,
        seed: app_commands.Range[int, 0, MAX_SEED] | None = None,
        private: bool = False,
    ) -> None:
        await begin(
            self.services,
            interaction,
            prompt,
            temperature=temperature,
            top_k=top_k,
            seed=seed,
            private=private,
        )


class NextButton(RunItem[ui.Button[Any]], template=template("next", "append", "roll", "undo", "draw")):
    """Moves the author's walk; anyone else gets a private one of their own from the same place.

    *Draw* is on cards of versions before 0.3, with its token.
    """

    async def press(self, interaction: Interaction, services: Services) -> None:
        private = is_private(interaction) or not owns_card(interaction)
        match self.action, self.numbers:
            case "undo", _:
                show = partial(undo, services, self.run_id, private)
            case "roll", _:
                show = partial(roll, services, self.run_id, private)
            case _, (token_id,):
                show = partial(append, services, self.run_id, token_id, private)
        if owns_card(interaction):
            await self.in_place(interaction, show)
        else:
            await self.beside(interaction, show, private=True)


async def setup(bot: TokenwiseBot) -> None:
    bot.add_dynamic_items(NextButton)
    await bot.add_cog(Next(bot.services))
