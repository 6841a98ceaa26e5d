"""A round of /guess from its first card to its reveal."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial

from bot import cards
from bot.cards import GuessCard
from bot.cards.pictures.bars import draw_bars
from bot.cards.reveal import PICTURE
from bot.errors import BlankText, ModelLoading, RoundGoesOn, StoreUnavailable, UnavailableError
from bot.features.beginnings import REMEMBERED, TRIES, some_beginnings
from bot.features.complete import new_run_id
from bot.features.guess import Cast, Round, TextOf, check_reveal, confidence, is_good, round_of, walk_for
from bot.features.next import Walk, WalkRun
from bot.flows.attachments import drawn
from bot.flows.streams import ask
from bot.flows.warm_up import ready_model
from bot.interactions.reply import Interaction, Reply, disable_button, is_private
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
        run = await _good_beginning(services, reply, owner, guild)
    else:
        run = await _answered(services, walk_for(new_run_id(), owner, services.encode(text)), reply)
    round_ = round_of(run, guild, _text_of(services, run))
    await services.runs.keep(run, round_, channel=reply.channel)
    await _show(services, run, round_, reply)


async def vote(services: Services, run_id: str, token_id: int, interaction: Interaction) -> None:
    """Cast or change the person's vote, and tell it to them alone."""
    await defer(interaction)  # many may vote at once, and wait for each other
    person = interaction.user.id
    cast = await services.runs.rounds.vote(run_id, person, token_id)
    if cast.counts:
        show = partial(_confirm, services, run_id, token_id, cast, interaction)
        await interaction.client.locks.refresh(f"vote:{run_id}:{person}", show)
    if is_private(interaction):
        if not cast.counts:
            await services.runs.rounds.find(run_id)  # or it has expired
            await Reply(interaction, replace=True).finish(cards.too_late())
    elif cast.before is None:  # else as many have voted as before, and the card stays as it is
        await _refresh(services, run_id, interaction)


async def reveal(services: Services, run_id: str, interaction: Interaction) -> None:
    """End the round, for all to see; RevealTooEarly."""
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
    interaction.client.private_cards.drop(run_id)
    await _refresh(services, run_id, interaction)


async def show_numbers(services: Services, run_id: str, reply: Reply) -> None:
    """Show the figures behind a round that is over to the person alone; RoundGoesOn."""
    run = await services.runs.walk(run_id)
    round_ = await services.runs.rounds.find(run_id)
    if not round_.revealed:
        raise RoundGoesOn
    content = cards.describe_reveal(run, _described(services, run, round_), services.encodings)
    await reply.finish(cards.reveal_numbers(content), parts=_parts(services, run))


async def begin_next(services: Services, run_id: str, interaction: Interaction) -> None:
    """Begin another round, once, however often the button is pressed."""
    async with interaction.client.locks.claim(run_id) as is_first:
        if is_first:
            await begin(services, interaction, None)
            await disable_button(interaction, label="Next round started")
        else:
            await defer(interaction)


async def _confirm(
    services: Services, run_id: str, token_id: int, cast: Cast, interaction: Interaction
) -> None:
    """Show the person their vote as it now is, which a press meanwhile may have changed again."""
    person = interaction.user.id
    run = await services.runs.walk(run_id)
    round_ = await services.runs.rounds.find(run_id)
    now = round_.votes.get(person, token_id)
    view = cards.voted(_described(services, run, round_), now, cast.before)
    parts = _parts(services, run)
    if is_private(interaction):
        await Reply(interaction, replace=True).finish(view, parts=parts)
    else:
        # A person who votes for the same again may have dismissed their card.
        await interaction.client.private_cards.show(
            interaction, (run_id, person), view, parts=parts, anew=cast.before == token_id
        )


async def _refresh(services: Services, run_id: str, interaction: Interaction) -> None:
    """Show the round as it stands, with what others do to it meanwhile."""
    reply = Reply(interaction, replace=True)

    async def show() -> None:
        run = await services.runs.walk(run_id)
        await _show(services, run, await services.runs.rounds.find(run_id), reply)

    await interaction.client.locks.refresh(run_id, show)


async def _show(services: Services, run: WalkRun, round_: Round, reply: Reply) -> None:
    """Show the question, or the answer once the round is over."""
    game, parts = _described(services, run, round_), _parts(services, run)
    if not round_.revealed:
        await reply.finish(cards.guess(game), parts=parts)
        return
    scores = () if round_.guild is None else await services.runs.rounds.scores(round_.guild)
    content = cards.describe_reveal(run, game, services.encodings, scores)
    table = await drawn(services, reply, PICTURE, draw_bars, cards.reveal_bars(content))
    await reply.finish(cards.reveal(content), files=[table], parts=parts)


async def _good_beginning(services: Services, reply: Reply, owner: int, guild: int | None) -> WalkRun:
    """Find a beginning of ours at which the model is confident; after some tries, the best of them.

    Each try is a request of its own, which waits its turn like any other.
    """
    walk = walk_for(new_run_id(), owner, ())
    tried: list[WalkRun] = []
    for text in some_beginnings(TRIES, await _latest(services, guild, owner)):
        try:
            run = await _answered(services, replace(walk, prompt_ids=services.encode(text)), reply)
        except UnavailableError:
            if not tried:
                raise
            break  # what we have will do
        if is_good(run.step, _text_of(services, run)):
            return run
        tried.append(run)
    return max(tried, key=lambda run: confidence(run.step, _text_of(services, run)))


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
    walk.check(model.context)
    await reply.wait()
    saved = await services.runs.answer(walk, model.fingerprint, channel=reply.channel)
    if isinstance(saved, WalkRun):
        step = saved.step
    else:
        # All tries for one round count as one request.
        group = walk.run_id
        async with ask(services.generations, walk.request, asker=reply.asker, group=group) as answer:
            (step,) = (await answer()).steps
    return WalkRun(walk, step, model.fingerprint, asked_at)


def _described(services: Services, run: WalkRun, round_: Round) -> GuessCard:
    """Describe the round; its model only while it is the loaded one."""
    try:
        model = services.generations.model
    except ModelLoading:
        name = None
    else:
        name = cards.model_name(model) if model.fingerprint == run.fingerprint else None
    return cards.describe_guess(run, round_, services.encodings, model=name)


def _text_of(services: Services, run: WalkRun) -> TextOf:
    encodings, encoding = services.encodings, run.fingerprint.encoding

    def text_of(token_id: int) -> str:
        """The token's text; nothing for a special token."""
        return "" if encodings.is_special(token_id, encoding) else encodings.decode([token_id], encoding)

    return text_of


def _parts(services: Services, run: WalkRun) -> frozenset[str]:
    """The blocked words that its candidates are only as parts of longer ones."""
    offered = [(run.walk.prompt_ids, candidate.token_id) for candidate in run.step.candidates]
    return services.sieve(run.fingerprint.encoding).parts(offered=offered)
