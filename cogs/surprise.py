"""/surprise and the message command *Surprise*: what the model didn't expect in a text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.flows.surprise import score_message, score_text
from bot.interactions.reply import Interaction, Reply
from bot.services import Services

if TYPE_CHECKING:
    from bot.client import TokenwiseBot


class Surprise(commands.Cog):
    def __init__(self, services: Services) -> None:
        self.services = services
        self.menu = app_commands.ContextMenu(name="Surprise", callback=self.surprise_of)

    @app_commands.command(description="See how surprising the model finds each token of a text")
    @app_commands.describe(text="The text for the model to read", private="Only you see the reply")
    async def surprise(
        self, interaction: Interaction, text: app_commands.Range[str, 1, 6000], private: bool = False
    ) -> None:
        await score_text(self.services, text, Reply(interaction, private=private))

    async def surprise_of(self, interaction: Interaction, message: discord.Message) -> None:
        await score_message(self.services, interaction, message)


async def setup(bot: TokenwiseBot) -> None:
    cog = Surprise(bot.services)
    bot.tree.add_command(cog.menu)
    await bot.add_cog(cog)
