"""/guess: which token is the model's top guess? A game for a whole channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from discord import app_commands, ui
from discord.ext import commands

from bot.custom_ids import template
from bot.flows.guess import begin, begin_next, reveal, vote
from bot.flows.scores import show_scores
from bot.interactions.buttons import RunItem
from bot.interactions.reply import Interaction
from bot.services import Services

if TYPE_CHECKING:
    from bot.client import TokenwiseBot


class Guess(commands.Cog):
    def __init__(self, services: Services) -> None:
        self.services = services

    @app_commands.command(description="A game for everyone: guess the model's top choice for the next token")
    @app_commands.describe(text="The start of a text (I pick one by default)")
    async def guess(
        self, interaction: Interaction, text: app_commands.Range[str, 1, 2000] | None = None
    ) -> None:
        await begin(self.services, interaction, text)


class GuessButton(RunItem[ui.Button[Any]], template=template("guess", "vote", "reveal", "next", "scores")):
    async def press(self, interaction: Interaction, services: Services) -> None:
        match self.action:
            case "vote":
                (token_id,) = self.numbers
                await vote(services, self.run_id, token_id, interaction)
            case "reveal":
                await reveal(services, self.run_id, interaction)
            case "scores":
                await show_scores(services, interaction)
            case _:
                await begin_next(services, self.run_id, interaction)


async def setup(bot: TokenwiseBot) -> None:
    bot.add_dynamic_items(GuessButton)
    await bot.add_cog(Guess(bot.services))
