"""/decode: token ids back to text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from discord import app_commands
from discord.ext import commands

from bot.flows.decode import decode_ids
from bot.interactions.reply import Interaction, Reply
from bot.services import Services
from cogs.tokens import ENCODING_OPTION, PRIVATE_OPTION, suggest_encodings

if TYPE_CHECKING:
    from bot.client import TokenwiseBot


class Decode(commands.Cog):
    def __init__(self, services: Services) -> None:
        self.services = services

    @app_commands.command(description="Turn token ids back into text")
    @app_commands.describe(
        ids="Token ids, such as 40313, 481", encoding=ENCODING_OPTION, private=PRIVATE_OPTION
    )
    @app_commands.autocomplete(encoding=suggest_encodings)
    async def decode(
        self,
        interaction: Interaction,
        ids: app_commands.Range[str, 1, 6000],
        encoding: str | None = None,
        private: bool = False,
    ) -> None:
        await decode_ids(self.services, ids, Reply(interaction, private=private), encoding=encoding)


async def setup(bot: TokenwiseBot) -> None:
    await bot.add_cog(Decode(bot.services))
