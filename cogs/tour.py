"""/tour: how a language model writes, in seven short cards."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from discord import app_commands, ui
from discord.ext import commands

from bot.cards import Audience
from bot.custom_ids import template
from bot.features.tour import EXAMPLE
from bot.flows.guess import begin as begin_round
from bot.flows.next import walk_from
from bot.flows.tour import ask_for_text, begin, begin_own, go_to
from bot.interactions.buttons import RunItem
from bot.interactions.card_messages import owns_card
from bot.interactions.modals import receive
from bot.interactions.reply import Interaction, Reply, is_private
from bot.model.protocol import MAX_SEED
from bot.services import Services

if TYPE_CHECKING:
    from bot.client import TokenwiseBot


class Tour(commands.Cog):
    def __init__(self, services: Services) -> None:
        self.services = services

    @app_commands.command(description="Learn how a language model writes, in seven short cards")
    @app_commands.describe(
        prompt=f"The text for the examples ({EXAMPLE!r} by default)",
        seed="Same seed, same draws (random by default)",
        private="Only you see the cards",
    )
    async def tour(
        self,
        interaction: Interaction,
        prompt: app_commands.Range[str, 1, 2000] = EXAMPLE,
        seed: app_commands.Range[int, 0, MAX_SEED] | None = None,
        private: bool = False,
    ) -> None:
        await begin(self.services, prompt, seed, Reply(interaction, private=private))

    @commands.Cog.listener()
    async def on_interaction(self, interaction: Interaction) -> None:
        begin_theirs = partial(begin_own, self.services, interaction)
        await receive(interaction, template("tour", "own"), begin_theirs)


class TourButton(RunItem[ui.Button[Any]], template=template("tour", "show", "try", "walk", "play")):
    """Goes to another station, asks for the person's own text, or goes on to another command."""

    async def press(self, interaction: Interaction, services: Services) -> None:
        private = is_private(interaction) or not owns_card(interaction)
        match self.action, self.numbers:
            case "play", _:
                await begin_round(services, interaction, None)
            case "walk", _:
                walk = partial(walk_from, services, self.run_id, private)
                await self.beside(interaction, walk, private=private)
            case "try", (station,):
                await ask_for_text(services, self.run_id, station, interaction)
            case _, (station,):
                go = partial(go_to, services, self.run_id, station, Audience(interaction.user.id, private))
                if owns_card(interaction):
                    await self.in_place(interaction, go)
                else:
                    await self.beside(interaction, go, private=True)


async def setup(bot: TokenwiseBot) -> None:
    bot.add_dynamic_items(TourButton)
    await bot.add_cog(Tour(bot.services))
