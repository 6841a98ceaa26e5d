"""A round of /guess from its first card to its reveal."""

from __future__ import annotations

import logging
from functools import partial

from discord import ui

from bot import cards
from bot.errors import BlankText, StoreUnavailable
from bot.features.beginnings import REMEMBERED, random_beginning
from bot.features.complete import new_run_id
from bot.features.guess import Round, check_reveal, round_of, walk_for
from bot.features.next import Walk, WalkRun
from bot.flows.streams import ask
from bot.flows.warm_up import ready_model
from bot.interactions.notices import send_privately
from bot.interactions.reply import Interaction, Reply, disable_button
from bot.interactions.responses import defer
from bot.services import Services

log = logging.getLogger(__name__)


async def begin(services: Services, interaction: Interaction, text: str | None) -> None:
    """Ask the model, and show the first card of a round about ``text``, or about a beginning of ours."""
    if text is not None and not text.strip():
        raise BlankText("text")
    owner, guild = interaction.user.id, interaction.guild_id
    reply = Reply(interaction)
    await ready_model(services, reply)
    if text is None:
        await reply.wait()
        text = random_beginning(await _latest(services, guild, owner))
    walk = walk_for(new_run_id(), owner, services.encode(text))
    walk.check(services.generations.model.context)
    await reply.wait()
    run = await _answered(services, walk, reply)
    encoding = run.fingerprint.encoding

    def text_of(token_id: int) -> str:
        """The token's text; nothing for a special token."""
        if services.encodings.is_special(token_id, encoding):
            return ""
        return services.encodings.decode([token_id], encoding)

    round_ = round_of(run, guild, text_of)
    await services.runs.keep(run, round_, channel=reply.channel)
    await reply.finish(await _card(services, run, round_), parts=_parts(services, run))


async def vote(services: Services, run_id: str, token_id: int, interaction: Interaction) -> None:
    """Cast or change the person's vote, and tell it to them alone."""
    await defer(interaction)  # many may vote at once, and wait for each other
    cast = await services.runs.rounds.vote(run_id, interaction.user.id, token_id)
    if cast.counts:
        run = await services.runs.walk(run_id)
        encoding = run.fingerprint.encoding
        name = partial(services.encodings.token, encoding=encoding)
        before = None if cast.before is None else name(cast.before).visible
        now = name(token_id).visible
        names = [now] if before is None else [now, before]
        parts = _parts(services, run) if any(map(services.rules.blocked.in_text, names)) else frozenset()
        await send_privately(interaction, cards.voted(now, before), parts=parts)
    if cast.before is None:  # else as many have voted as before, and the card stays as it is
        await _refresh(services, run_id, interaction)


async def reveal(services: Services, run_id: str, interaction: Interaction) -> None:
    """End the round; RevealTooEarly."""
    await defer(interaction)
    run = await services.runs.walk(run_id)
    rounds = services.runs.rounds
    if not (await rounds.find(run_id)).revealed:
        check_reveal(
            run,
            person=interaction.user.id,
            is_moderator=interaction.permissions.manage_messages,
            now=services.runs.now(),
        )
        await rounds.reveal(run_id)
    await _refresh(services, run_id, interaction)


async def show_scores(services: Services, interaction: Interaction) -> None:
    """Show the server's leaderboard, to the person alone."""
    rounds, guild = services.runs.rounds, interaction.guild_id
    reply = Reply(interaction, private=True)
    await reply.acknowledge()
    scores = () if guild is None else await rounds.scores(guild)
    await reply.finish(cards.leaderboard(scores, person=interaction.user.id, days=rounds.days))


async def begin_next(services: Services, run_id: str, interaction: Interaction) -> None:
    """Begin another round, once, however often the button is pressed."""
    with interaction.client.locks.claim(run_id) as is_first:
        if is_first:
            await begin(services, interaction, None)
            await disable_button(interaction, label="Next round started")
        else:
            await defer(interaction)


async def _refresh(services: Services, run_id: str, interaction: Interaction) -> None:
    """Show the round as it stands, with what others do to it meanwhile."""
    reply = Reply(interaction, replace=True)

    async def show() -> None:
        run = await services.runs.walk(run_id)
        round_ = await services.runs.rounds.find(run_id)
        await reply.finish(await _card(services, run, round_), parts=_parts(services, run))

    await interaction.client.locks.refresh(run_id, show)


async def _latest(services: Services, guild: int | None, owner: int) -> list[str]:
    """The beginnings of the latest rounds; none if the database fails: then one may come again."""
    try:
        encoding = services.generations.model.encoding
        latest = await services.runs.rounds.latest(guild, owner, limit=REMEMBERED, encoding=encoding)
    except StoreUnavailable as error:
        log.error("earlier rounds cannot be read: %s", error.detail)
        return []
    return [services.encodings.decode(prompt_ids, encoding) for prompt_ids in latest]


async def _answered(services: Services, walk: Walk, reply: Reply) -> WalkRun:
    """The walk with the model's table; a saved one if the same was requested before."""
    model, asked_at = services.generations.model, services.runs.now()
    saved = await services.runs.answer(walk, model.fingerprint, channel=reply.channel)
    if isinstance(saved, WalkRun):
        step = saved.step
    else:
        async with ask(services.generations, walk.request, asker=reply.asker) as answer:
            (step,) = (await answer()).steps
    return WalkRun(walk, step, model.fingerprint, asked_at)


async def _card(services: Services, run: WalkRun, round_: Round) -> ui.LayoutView:
    game = cards.describe_guess(run, round_, services.encodings)
    if not round_.revealed:
        return cards.guess(game)
    scores = () if round_.guild is None else await services.runs.rounds.scores(round_.guild)
    return cards.reveal(cards.describe_reveal(run, game, services.encodings, scores))


def _parts(services: Services, run: WalkRun) -> frozenset[str]:
    """The blocked words that its candidates are only as parts of longer ones."""
    offered = [(run.walk.prompt_ids, candidate.token_id) for candidate in run.step.candidates]
    return services.sieve(run.fingerprint.encoding).parts(offered=offered)
