"""/forget: delete what the bot has stored of a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from discord import app_commands
from discord.ext import commands

from bot.flows.forget import forget
from bot.interactions.reply import Interaction
from bot.services import Services

if TYPE_CHECKING:
    from bot.client import TokenwiseBot


class Forget(commands.Cog):
    def __init__(self, services: Services) -> None:
        self.services = services

    @app_commands.command(description="Delete everything the bot has stored about you")
    async def forget(self, interaction: Interaction) -> None:
        await forget(self.services, interaction)


async def setup(bot: TokenwiseBot) -> None:
    await bot.add_cog(Forget(bot.services))
