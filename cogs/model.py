"""/model: what the loaded model is, and what it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from discord import app_commands
from discord.ext import commands

from bot.flows.model import show_model
from bot.interactions.reply import Interaction, Reply
from bot.services import Services

if TYPE_CHECKING:
    from bot.client import TokenwiseBot


class Model(commands.Cog):
    def __init__(self, services: Services) -> None:
        self.services = services

    @app_commands.command(description="Meet the model: what it is made of, and what it is not")
    @app_commands.describe(private="Only you see the reply")
    async def model(self, interaction: Interaction, private: bool = False) -> None:
        await show_model(self.services, Reply(interaction, private=private))


async def setup(bot: TokenwiseBot) -> None:
    await bot.add_cog(Model(bot.services))
