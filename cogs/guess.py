"""/guess: which token does the model like best? A game for a whole channel."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from discord import app_commands, ui
from discord.ext import commands

from bot import cards
from bot.cards import GuessCard, RevealCard
from bot.custom_ids import template
from bot.errors import BlankText, StoreUnavailable
from bot.features.beginnings import REMEMBERED, drawn
from bot.features.complete import new_run_id
from bot.features.guess import Round, check_reveal, question, round_of
from bot.features.next import Walk, WalkRun
from bot.flows.streams import ask
from bot.interactions.buttons import RunItem
from bot.interactions.notices import send_privately
from bot.interactions.reply import Interaction, Reply, disable_button
from bot.interactions.responses import defer
from bot.moderation.screening import Sieve
from bot.services import Services

if TYPE_CHECKING:
    from bot.client import TokenwiseBot


log = logging.getLogger(__name__)


class Guess(commands.Cog):
    def __init__(self, services: Services) -> None:
        self.services = services

    @app_commands.command(description="A game for everyone: guess the model's top choice for the next token")
    @app_commands.describe(text="The start of a text (I pick one by default)")
    async def guess(
        self, interaction: Interaction, text: app_commands.Range[str, 1, 2000] | None = None
    ) -> None:
        if text is not None and not text.strip():
            raise BlankText("text")
        await begin(self.services, interaction, text)


class GuessButton(RunItem[ui.Button[Any]], template=template("guess", "vote", "reveal", "next", "scores")):
    async def press(self, interaction: Interaction, services: Services) -> None:
        match self.action:
            case "vote":
                await self._vote(interaction, services)
            case "reveal":
                await self._reveal(interaction, services)
            case "scores":
                await show_scores(services, interaction)
            case _:
                await self._next(interaction, services)

    async def _vote(self, interaction: Interaction, services: Services) -> None:
        (token_id,) = self.numbers
        await defer(interaction)  # many may vote at once, and wait for each other
        cast = await services.runs.rounds.vote(self.run_id, interaction.user.id, token_id)
        if cast.counts:
            encoding = (await services.runs.walk(self.run_id)).fingerprint.encoding
            name = partial(services.encodings.token, encoding=encoding)
            before = None if cast.before is None else name(cast.before).visible
            view, chosen = cards.voted(name(token_id).visible, before), {token_id, cast.before} - {None}
            await send_privately(interaction, view, parts=await self._parts(services, chosen, encoding))
        if cast.before is None:  # else as many have voted as before, and the card stays as it is
            await self._refresh(interaction, services)

    async def _parts(self, services: Services, chosen: Iterable[int | None], encoding: str) -> frozenset[str]:
        """The blocked words that the choices are only as parts of longer ones."""
        names = [services.encodings.token(token_id, encoding) for token_id in chosen if token_id is not None]
        if not any(services.rules.blocked.in_text(name.visible) for name in names):
            return frozenset()
        return _parts(services, await services.runs.walk(self.run_id))

    async def _reveal(self, interaction: Interaction, services: Services) -> None:
        await defer(interaction)
        run = await services.runs.walk(self.run_id)
        rounds = services.runs.rounds
        if not (await rounds.find(self.run_id)).revealed:
            check_reveal(
                run,
                person=interaction.user.id,
                is_moderator=interaction.permissions.manage_messages,
                now=services.runs.now(),
            )
            await rounds.reveal(self.run_id)
        await self._refresh(interaction, services)

    async def _next(self, interaction: Interaction, services: Services) -> None:
        with interaction.client.locks.claim(self.run_id) as is_first:
            if is_first:
                await begin(services, interaction, None)
                await disable_button(interaction, label="Next round begun")
            else:
                await defer(interaction)

    async def _refresh(self, interaction: Interaction, services: Services) -> None:
        """Show the round as it stands, with whatever others do to it meanwhile."""
        reply = Reply(interaction, replace=True)

        async def show() -> None:
            run = await services.runs.walk(self.run_id)
            round_ = await services.runs.rounds.find(self.run_id)
            await reply.finish(await _card(services, run, round_), parts=_parts(services, run))

        await interaction.client.locks.refresh(self.run_id, show)


async def begin(services: Services, interaction: Interaction, text: str | None) -> None:
    """Ask the model, and show the first card of a round about ``text``, or about a beginning of ours."""
    owner, guild = interaction.user.id, interaction.guild_id
    reply = Reply(interaction)
    if text is None:
        await reply.wait()
        text = drawn(await _latest(services, guild, owner))
    walk = question(new_run_id(), owner, services.encode(text))
    walk.check(services.generations.model.context)
    await reply.wait()
    run = await _answered(services, walk, reply)
    encoding = run.fingerprint.encoding

    def text_of(token_id: int) -> str:
        """Nothing for what is no piece of a text."""
        if services.encodings.is_special(token_id, encoding):
            return ""
        return services.encodings.decode([token_id], encoding)

    round_ = round_of(run, guild, text_of)
    await services.runs.keep(run, round_, channel=reply.channel)
    await reply.finish(await _card(services, run, round_), parts=_parts(services, run))


def _parts(services: Services, run: WalkRun) -> frozenset[str]:
    """The blocked words that its candidates are only as parts of longer ones."""
    offered = [(run.walk.prompt_ids, candidate.token_id) for candidate in run.step.candidates]
    return Sieve.of(services, run.fingerprint.encoding).parts(offered=offered)


async def _latest(services: Services, guild: int | None, owner: int) -> list[str]:
    """What the latest rounds were about; nothing if the database fails: then one may come again."""
    try:
        encoding = services.generations.model.encoding
        latest = await services.runs.rounds.latest(guild, owner, limit=REMEMBERED, encoding=encoding)
    except StoreUnavailable as error:
        log.error("earlier rounds cannot be read: %s", error.detail)
        return []
    return [services.encodings.decode(prompt_ids, encoding) for prompt_ids in latest]


async def _answered(services: Services, walk: Walk, reply: Reply) -> WalkRun:
    """What the model finds likely next; at once if it was asked before."""
    model, asked_at = services.generations.model, services.runs.now()
    before = await services.runs.answer(walk, model.fingerprint, channel=reply.channel)
    if isinstance(before, WalkRun):
        step = before.step
    else:
        async with ask(services.generations, walk.request, asker=reply.asker) as answer:
            (step,) = (await answer()).steps
    return WalkRun(walk, step, model.fingerprint, asked_at)


async def show_scores(services: Services, interaction: Interaction) -> None:
    rounds, guild = services.runs.rounds, interaction.guild_id
    reply = Reply(interaction, private=True)
    await reply.acknowledge()
    table = () if guild is None else await rounds.scores(guild)
    await reply.finish(cards.scores(table, person=interaction.user.id, days=rounds.days))


async def _card(services: Services, run: WalkRun, round_: Round) -> ui.LayoutView:
    encoding = run.fingerprint.encoding
    text = partial(services.encodings.decode, encoding=encoding)
    game = GuessCard(
        round=round_,
        owner=run.owner,
        prompt=text(run.walk.prompt_ids),
        names={
            candidate.token_id: services.encodings.token(candidate.token_id, encoding).visible
            for candidate in run.step.candidates
        },
    )
    if not round_.revealed:
        return cards.guess(game)
    scores = () if round_.guild is None else await services.runs.rounds.scores(round_.guild)
    return cards.reveal(RevealCard(game, run.step, text([round_.favourite]), scores))


async def setup(bot: TokenwiseBot) -> None:
    bot.add_dynamic_items(GuessButton)
    await bot.add_cog(Guess(bot.services))
