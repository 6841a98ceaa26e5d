"""/complete: the model continues a text."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from discord import app_commands, ui
from discord.ext import commands

from bot.custom_ids import template
from bot.flows.complete import begin, go_on, reroll, stop
from bot.interactions.buttons import RunItem
from bot.interactions.card_messages import owns_card
from bot.interactions.reply import Interaction, is_private
from bot.model.protocol import MAX_SEED
from bot.services import Services

if TYPE_CHECKING:
    from bot.client import TokenwiseBot


class Complete(commands.Cog):
    def __init__(self, services: Services) -> None:
        self.services = services

    @app_commands.command(description="Let the model continue your text")
    @app_commands.describe(
        prompt="The text to continue",
        seed="Same seed, same text (random by default)",
        max_tokens="How many tokens to add, 1 to 256 (64 by default)",
        temperature="0 always picks the top token, higher is more daring (0.9 by default)",
        top_k="Pick among this many top tokens; 0 means all (50 by default)",
        top_p="Pick among the top tokens with this total probability (1, all tokens, by default)",
        private="Only you see the reply",
    )
    async def complete(
        self,
        interaction: Interaction,
        prompt: app_commands.Range[str, 1, 2000],
        seed: app_commands.Range[int, 0, MAX_SEED] | None = None,
        max_tokens: app_commands.Range[int, 1, 256] = 64,
        temperature: app_commands.Range[float, 0.0, 2.0] = 0.9,
        top_k: app_commands.Range[int, 0, 1000] = 50,
        top_p: app_commands.Range[float, 0.05, 1.0] = 1.0,
        private: bool = False,
    ) -> None:
        await begin(
            self.services,
            interaction,
            prompt,
            seed=seed,
            max_tokens=max_tokens,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            private=private,
        )


class CompleteButton(RunItem[ui.Button[Any]], template=template("complete", "continue", "reroll", "stop")):
    async def press(self, interaction: Interaction, services: Services) -> None:
        if self.action == "stop":
            await stop(services, self.run_id, interaction)
            return
        private = is_private(interaction)
        show = partial(reroll if self.action == "reroll" else go_on, services, self.run_id, private)
        if self.action == "continue" and owns_card(interaction):
            await self.in_place(interaction, show)
        else:
            await self.beside(interaction, show, private=private)


async def setup(bot: TokenwiseBot) -> None:
    bot.add_dynamic_items(CompleteButton)
    await bot.add_cog(Complete(bot.services))
