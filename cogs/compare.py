"""/compare: how much of a text is a choice of settings."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from discord import app_commands, ui
from discord.ext import commands

from bot.custom_ids import OPEN, template
from bot.flows.compare import begin, explore, show_all, stop
from bot.interactions.buttons import PersistentItem, RunItem
from bot.interactions.card_messages import owns_card
from bot.interactions.reply import Interaction, is_private
from bot.model.protocol import MAX_SEED
from bot.services import Services

if TYPE_CHECKING:
    from bot.client import TokenwiseBot


class Compare(commands.Cog):
    def __init__(self, services: Services) -> None:
        self.services = services

    @app_commands.command(description="Let the model continue your text in three ways, from safe to daring")
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
    """The menu on cards of versions before 0.3."""

    async def press(self, interaction: Interaction, services: Services) -> None:
        (run_id,) = self.item.values
        await explore(services, run_id, interaction)


class CompareButton(RunItem[ui.Button[Any]], template=template("compare", "open", "all", "stop")):
    """*Show all six* changes the author's card; anyone else gets a private one."""

    async def press(self, interaction: Interaction, services: Services) -> None:
        match self.action:
            case "open":
                await explore(services, self.run_id, interaction)
            case "stop":
                await stop(services, self.run_id, interaction)
            case _ if owns_card(interaction):
                await self.in_place(
                    interaction, partial(show_all, services, self.run_id, is_private(interaction))
                )
            case _:
                await self.beside(interaction, partial(show_all, services, self.run_id, True), private=True)


async def setup(bot: TokenwiseBot) -> None:
    bot.add_dynamic_items(ExploreMenu, CompareButton)
    await bot.add_cog(Compare(bot.services))
