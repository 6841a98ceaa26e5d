"""/complete: the model continues a text."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from discord import app_commands, ui
from discord.ext import commands

from bot.custom_ids import template
from bot.errors import BlankText, NotRunning
from bot.features.complete import CompletionJob, new_run_id, new_seed, warm_or_greedy
from bot.flows.complete import write, write_or_recall
from bot.interactions.buttons import RunItem
from bot.interactions.card_messages import is_theirs
from bot.interactions.reply import Interaction, Reply, is_private
from bot.interactions.responses import defer
from bot.model.protocol import MAX_SEED, SamplingParams
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
        if not prompt.strip():
            raise BlankText("prompt")
        params = SamplingParams(
            max_new_tokens=max_tokens,
            temperature=warm_or_greedy(temperature),
            top_k=top_k,
            top_p=top_p,
            seed=new_seed() if seed is None else seed,
        )
        prompt_ids = self.services.encode(prompt)
        job = CompletionJob(new_run_id(), interaction.user.id, prompt_ids, params, private)
        reply = Reply(interaction, private=private)
        asked_before = seed is not None or params.temperature == 0
        await (write_or_recall if asked_before else write)(self.services, job, reply)


class CompletionButton(RunItem[ui.Button[Any]], template=template("complete", "continue", "reroll", "stop")):
    async def press(self, interaction: Interaction, services: Services) -> None:
        private = is_private(interaction)
        if self.action == "stop":
            await self._stop(services, interaction)
        elif self.action == "continue" and is_theirs(interaction):
            await self.in_place(interaction, partial(self._write, services, private))
        else:
            await self.beside(interaction, partial(self._write, services, private), private=private)

    async def _write(self, services: Services, private: bool, reply: Reply) -> None:
        owner = reply.asker.person
        run = await services.runs.completion(self.run_id)
        if self.action == "reroll":
            job = run.rerolled(owner=owner, private=private)
        else:
            job = run.continued(owner=owner, private=private)
        await write(services, job, reply)

    async def _stop(self, services: Services, interaction: Interaction) -> None:
        try:
            services.generations.cancel(self.run_id, owner=interaction.user.id)
        except NotRunning:
            await defer(interaction)
            # It ended while the button was being pressed, and the card says so already;
            # or the bot was restarted while it was written, and the card never will.
            if not await services.runs.is_kept(self.run_id):
                raise
        else:
            await defer(interaction)


async def setup(bot: TokenwiseBot) -> None:
    bot.add_dynamic_items(CompletionButton)
    await bot.add_cog(Complete(bot.services))
