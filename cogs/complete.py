"""/complete: the model continues a text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from discord import app_commands
from discord.ext import commands

from bot import cards
from bot.buttons import RunButton
from bot.cards import CompletionCard
from bot.completions import MAX_SEED, CompletionJob, new_run_id, new_seed
from bot.custom_ids import COMPLETION_TEMPLATE
from bot.delivery import Interaction, Screen
from bot.errors import BlankText, UnavailableError
from bot.model.protocol import SamplingParams, Step
from bot.services import Services
from bot.updates import Completion, Finished, Progress, Update

if TYPE_CHECKING:
    from bot.client import TokenwiseBot


class Complete(commands.Cog):
    def __init__(self, services: Services) -> None:
        self.services = services

    @app_commands.command(description="Let the model continue your text")
    @app_commands.describe(
        prompt="The text to continue",
        seed="The same seed always gives the same text (random if left out)",
        max_tokens="How many tokens to add, 1 to 256 (64 if left out)",
        temperature="0 always takes the likeliest token, higher is more daring (0.9 if left out)",
        top_k="Draw among this many of the likeliest tokens, 0 for all (50 if left out)",
        top_p="Draw among the likeliest tokens that hold this much probability (1 if left out)",
        private="Only you see the answer",
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
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            seed=new_seed() if seed is None else seed,
        )
        prompt_ids = self.services.encodings.encode(prompt)
        job = CompletionJob(new_run_id(), interaction.user.id, prompt_ids, (), params, private)
        await write(self.services, job, Screen(interaction, private=private))


class CompletionButton(RunButton, template=COMPLETION_TEMPLATE):
    async def press(self, interaction: Interaction) -> None:
        services: Services = interaction.client.services
        if self.action == "stop":
            services.generations.cancel(self.run_id, owner=interaction.user.id)
            await interaction.response.defer()
            return
        run = services.runs.completion(self.run_id)
        if self.action == "reroll":
            job = run.rerolled(owner=interaction.user.id)
            await write(services, job, Screen(interaction, private=run.private))
        else:
            job = run.continued(owner=interaction.user.id, context=services.generations.model.context)
            in_place = run.owner == interaction.user.id
            await write(services, job, Screen(interaction, private=run.private, replace=in_place))


async def write(services: Services, job: CompletionJob, screen: Screen) -> None:
    """Show the job from its place in the queue to its end, and keep the run."""
    job.check(services.generations.model.context)
    steps: tuple[Step, ...] = ()
    async with services.generations.stream(job.request, owner=job.owner) as updates:
        try:
            async for update in updates:
                if isinstance(update, Progress):
                    steps = update.steps
                if isinstance(update, Finished):
                    services.runs.keep(job.finished(update.completion))
                await screen.show(cards.completion(_content(services, job, update)))
        except UnavailableError:
            # What was written so far stays, with its buttons; the reason is told by the caller.
            cut_short = Finished(Completion(steps, "cancelled"), seconds=0.0)
            services.runs.keep(job.finished(cut_short.completion))
            await screen.show(cards.completion(_content(services, job, cut_short)))
            raise


def _content(services: Services, job: CompletionJob, update: Update) -> CompletionCard:
    match update:
        case Progress():
            written = Completion(update.steps, "length").token_ids
        case Finished():
            written = update.completion.token_ids
        case _:
            written = ()
    text = services.encodings.decode
    return CompletionCard(
        run_id=job.run_id,
        model=cards.model_name(services.generations.model),
        prompt=text(job.prompt_ids),
        earlier=text(job.earlier_ids),
        written=text(written),
        params=job.params,
        update=update,
        tokens=len(written),
    )


async def setup(bot: TokenwiseBot) -> None:
    bot.add_dynamic_items(CompletionButton)
    await bot.add_cog(Complete(bot.services))
