"""/compare: how much of a text is a choice of settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from discord import app_commands, ui
from discord.ext import commands

from bot.custom_ids import OPEN, template
from bot.flows.compare import begin, explore, stop
from bot.interactions.buttons import PersistentItem, RunItem
from bot.interactions.reply import Interaction
from bot.model.protocol import MAX_SEED
from bot.services import Services

if TYPE_CHECKING:
    from bot.client import TokenwiseBot


class Compare(commands.Cog):
    def __init__(self, services: Services) -> None:
        self.services = services

    @app_commands.command(description="Let the model continue your text in six ways, from safe to daring")
    @app_commands.describe(
        prompt="The text to continue",
        seed="Same seed, same texts (random by default)",
        max_tokens="How many tokens each way adds, 1 to 64 (32 by default)",
        private="Only you see the reply",
    )
    async def compare(
        self,
        interaction: Interaction,
        prompt: app_commands.Range[str, 1, 2000],
        seed: app_commands.Range[int, 0, MAX_SEED] | None = None,
        max_tokens: app_commands.Range[int, 1, 64] = 32,
        private: bool = False,
    ) -> None:
        await begin(self.services, interaction, prompt, seed=seed, max_tokens=max_tokens, private=private)


class ExploreMenu(PersistentItem[ui.Select[Any]], template=OPEN):
    async def press(self, interaction: Interaction, services: Services) -> None:
        (run_id,) = self.item.values
        await explore(services, run_id, interaction)


class StopButton(RunItem[ui.Button[Any]], template=template("compare", "stop")):
    async def press(self, interaction: Interaction, services: Services) -> None:
        await stop(services, self.run_id, interaction)


async def setup(bot: TokenwiseBot) -> None:
    bot.add_dynamic_items(ExploreMenu, StopButton)
    await bot.add_cog(Compare(bot.services))
