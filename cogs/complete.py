"""/complete: the model continues a text."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from discord import app_commands
from discord.ext import commands

from bot import cards
from bot.buttons import RunButton
from bot.cards import CompletionCard
from bot.completions import CompletionJob, new_run_id, new_seed, warm_or_greedy
from bot.custom_ids import COMPLETION_TEMPLATE
from bot.delivery import Interaction, Screen
from bot.errors import BlankText, NotRunning, UnavailableError
from bot.model.protocol import MAX_SEED, GenerationRequest, SamplingParams, Step
from bot.services import Services
from bot.updates import Completion, Finished, Progress, Update, token_ids

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
            temperature=warm_or_greedy(temperature),
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
            await self._stop(services, interaction)
            return
        run = services.runs.completion(self.run_id)
        owner = interaction.user.id
        if self.action == "reroll":
            await write(services, run.rerolled(owner=owner), Screen(interaction, private=run.private))
        elif run.owner != owner:
            await write(services, run.continued(owner=owner), Screen(interaction, private=run.private))
        else:
            await self.in_place(interaction, partial(write, services, run.continued(owner=owner)))

    async def _stop(self, services: Services, interaction: Interaction) -> None:
        try:
            services.generations.cancel(self.run_id, owner=interaction.user.id)
        except NotRunning:
            # It ended while the button was being pressed: the card says so already.
            services.runs.completion(self.run_id)
        await interaction.response.defer()


async def write(services: Services, job: CompletionJob, screen: Screen) -> None:
    """Show the job from its place in the queue to its end, and keep the run."""
    request = job.request(services.generations.model.context)
    steps: tuple[Step, ...] = ()
    async with services.generations.stream(request, owner=job.owner) as updates:
        try:
            async for update in updates:
                if isinstance(update, Finished):
                    await _finish(services, job, request, update, screen)
                    return
                if isinstance(update, Progress):
                    steps = update.steps
                await screen.update(cards.completion(_content(services, job, request, update)))
        except UnavailableError:
            # What was written so far stays, with its buttons; the reason is told by the caller.
            so_far = Finished(Completion(steps, "cancelled"), seconds=0.0)
            await _finish(services, job, request, so_far, screen, cut_short=True)
            raise


async def _finish(
    services: Services,
    job: CompletionJob,
    request: GenerationRequest,
    update: Finished,
    screen: Screen,
    *,
    cut_short: bool = False,
) -> None:
    run = job.finished(update.completion)
    services.runs.keep(run)
    content = replace(
        _content(services, job, request, update),
        can_continue=run.can_continue(services.generations.model.context),
        cut_short=cut_short,
    )
    await screen.finish(cards.completion(content))


def _content(
    services: Services, job: CompletionJob, request: GenerationRequest, update: Update
) -> CompletionCard:
    match update:
        case Progress():
            written = token_ids(update.steps)
        case Finished():
            written = update.completion.token_ids
        case _:
            written = ()
    text = services.encodings.decode
    return CompletionCard(
        run_id=job.run_id,
        model=cards.model_name(services.generations.model),
        prompt=text(job.prompt_ids),
        # Decoded at once: a character may lie across the border.
        written=text(job.earlier_ids + written),
        params=job.params,
        update=update,
        tokens=len(written),
        asked=request.params.max_new_tokens,
    )


async def setup(bot: TokenwiseBot) -> None:
    bot.add_dynamic_items(CompletionButton)
    await bot.add_cog(Complete(bot.services))
