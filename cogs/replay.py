"""*Replay*, as a button and as a message command: compute a run again and compare."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.custom_ids import template
from bot.flows.replay import replay_message, replay_run
from bot.interactions.buttons import RunItem
from bot.interactions.reply import Interaction
from bot.services import Services

if TYPE_CHECKING:
    from bot.client import TokenwiseBot


class ReplayButton(RunItem[ui.Button[Any]], template=template("run", "replay")):
    async def press(self, interaction: Interaction, services: Services) -> None:
        await self.beside(interaction, partial(replay_run, services, self.run_id), private=True)


class Replay(commands.Cog):
    def __init__(self, services: Services) -> None:
        self.services = services
        self.menu = app_commands.ContextMenu(name="Replay", callback=self.replay)

    async def replay(self, interaction: Interaction, message: discord.Message) -> None:
        await replay_message(self.services, interaction, message)


async def setup(bot: TokenwiseBot) -> None:
    bot.add_dynamic_items(ReplayButton)
    cog = Replay(bot.services)
    bot.tree.add_command(cog.menu)
    await bot.add_cog(cog)
