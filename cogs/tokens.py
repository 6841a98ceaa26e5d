"""/tokens and the message command *Tokenize*: how an encoding splits a text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.flows.tokens import tokenize_message, tokenize_text
from bot.interactions.reply import Interaction, Reply
from bot.services import Services

if TYPE_CHECKING:
    from bot.client import TokenwiseBot

ENCODING_OPTION = "An encoding or a model, such as cl100k_base or gpt-4o (this bot's model by default)"
PRIVATE_OPTION = "Only you see the reply"


async def suggest_encodings(interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
    known = interaction.client.services.encodings.names(current)[:25]
    return [app_commands.Choice(name=name, value=name) for name in known]


class Tokens(commands.Cog):
    def __init__(self, services: Services) -> None:
        self.services = services
        self.menu = app_commands.ContextMenu(name="Tokenize", callback=self.tokenize)

    @app_commands.command(description="See how a text is split into tokens")
    @app_commands.describe(text="The text to split", encoding=ENCODING_OPTION, private=PRIVATE_OPTION)
    @app_commands.autocomplete(encoding=suggest_encodings)
    async def tokens(
        self,
        interaction: Interaction,
        text: app_commands.Range[str, 1, 6000],
        encoding: str | None = None,
        private: bool = False,
    ) -> None:
        await tokenize_text(self.services, text, Reply(interaction, private=private), encoding=encoding)

    async def tokenize(self, interaction: Interaction, message: discord.Message) -> None:
        await tokenize_message(self.services, interaction, message)


async def setup(bot: TokenwiseBot) -> None:
    cog = Tokens(bot.services)
    bot.tree.add_command(cog.menu)
    await bot.add_cog(cog)
