"""/next: the likeliest next tokens, and a walk through a sentence."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from discord import app_commands, ui
from discord.ext import commands

from bot import cards
from bot.cards import Closing, NextCard
from bot.custom_ids import template
from bot.errors import BlankText
from bot.features.complete import new_run_id, new_seed, warm_or_greedy
from bot.features.next import Walk, WalkRun
from bot.interactions.buttons import RunItem
from bot.interactions.card_messages import is_theirs
from bot.interactions.outgoing import naming_seed
from bot.interactions.reply import Interaction, Reply, is_private
from bot.model.protocol import MAX_SEED, Step
from bot.moderation.screening import Sieve
from bot.queue.updates import Finished
from bot.services import Services

if TYPE_CHECKING:
    from bot.client import TokenwiseBot


class Next(commands.Cog):
    def __init__(self, services: Services) -> None:
        self.services = services

    @app_commands.command(description="See the five most likely next tokens and walk on, token by token")
    @app_commands.describe(
        prompt="The text whose next token you want to see",
        temperature="Above 1 evens out the probabilities, below 1 sharpens them (1 by default)",
        seed="Same seed, same draws (random by default)",
        private="Only you see the reply",
    )
    async def next(
        self,
        interaction: Interaction,
        prompt: app_commands.Range[str, 1, 2000],
        temperature: app_commands.Range[float, 0.0, 2.0] = 1.0,
        seed: app_commands.Range[int, 0, MAX_SEED] | None = None,
        private: bool = False,
    ) -> None:
        if not prompt.strip():
            raise BlankText("prompt")
        walk = Walk(
            run_id=new_run_id(),
            owner=interaction.user.id,
            prompt_ids=self.services.encode(prompt),
            appended_ids=(),
            temperature=warm_or_greedy(temperature),
            seed=new_seed() if seed is None else seed,
            private=private,
        )
        reply = Reply(interaction, private=private)
        asked_before = seed is not None or walk.temperature == 0
        await (look_or_recall if asked_before else look)(self.services, walk, reply)


class WalkButton(RunItem[ui.Button[Any]], template=template("next", "append", "draw", "undo")):
    async def press(self, interaction: Interaction, services: Services) -> None:
        private = is_private(interaction)
        # Somebody else's press must not move the author's walk: they get a private one of their own.
        if is_theirs(interaction):
            await self.in_place(interaction, partial(self._step, services, private))
        else:
            await self.beside(interaction, partial(self._step, services, True), private=True)

    async def _step(self, services: Services, private: bool, reply: Reply) -> None:
        owner = reply.asker.person
        before = (await services.runs.walk(self.run_id)).walk
        if self.action == "undo":
            walk = before.undo(owner=owner, private=private)
        else:
            (token_id,) = self.numbers
            walk = before.append(token_id, owner=owner, private=private)
        await look(services, walk, reply)


async def look_or_recall(services: Services, walk: Walk, reply: Reply) -> None:
    """As :func:`look`; at once if the same was asked before."""
    model = services.generations.model
    walk.check(model.context)
    await reply.wait()
    answer = await services.runs.answer(walk, model.fingerprint, channel=reply.channel)
    if not isinstance(answer, WalkRun):
        await look(services, walk, reply)
        return
    run = replace(answer, walk=walk, asked_at=services.runs.now())
    await services.runs.keep(run, channel=reply.channel)
    content = replace(_content(services, walk, answer.step), recalled=cards.date(answer.asked_at))
    await _show(services, walk, content, reply)


async def look(services: Services, walk: Walk, reply: Reply) -> None:
    """Show the table after the walk's text so far, and keep the walk."""
    model = services.generations.model
    walk.check(model.context)
    asked_at = services.runs.now()
    async with (
        services.generations.stream(walk.request, asker=reply.asker) as updates,
        reply.restored(),
    ):
        await reply.wait()
        async for update in updates:
            if isinstance(update, Finished):
                (step,) = update.completion.steps
                run = WalkRun(walk, step, model.fingerprint, asked_at)
                await services.runs.keep(run, channel=reply.channel)
                await _show(services, walk, _content(services, walk, step), reply)


async def _show(services: Services, walk: Walk, content: NextCard, reply: Reply) -> None:
    """Show the table; Withheld, with its seed, if a candidate must not be shown."""
    ids = walk.request.prompt_ids
    sieve = Sieve.of(services, services.generations.model.encoding)
    parts = sieve.parts(offered=[(ids, token_id) for token_id in content.names])
    with naming_seed(content.seed):
        await reply.finish(cards.next_tokens(content), parts=parts)


def _content(services: Services, walk: Walk, step: Step) -> NextCard:
    model = services.generations.model
    text = partial(services.encodings.decode, encoding=model.encoding)
    token = partial(services.encodings.token, encoding=model.encoding)
    return NextCard(
        run_id=walk.run_id,
        closing=Closing(walk.owner, walk.private),
        model=cards.model_name(model),
        prompt=text(walk.prompt_ids),
        appended=text(walk.appended_ids),
        steps_taken=len(walk.appended_ids),
        temperature=walk.temperature,
        seed=walk.seed,
        vocabulary=model.vocabulary,
        step=step,
        names={
            candidate.token_id: token(candidate.token_id).visible
            for candidate in (step.chosen, *step.candidates)
        },
    )


async def setup(bot: TokenwiseBot) -> None:
    bot.add_dynamic_items(WalkButton)
    await bot.add_cog(Next(bot.services))
