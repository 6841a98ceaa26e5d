"""/surprise: let the model read a text, draw how surprising each token is, and show it."""

from __future__ import annotations

from functools import partial

import discord

from bot import cards
from bot.cards import Audience, SurpriseCard
from bot.cards.pictures.stack import stacked
from bot.cards.surprise import LISTING, PICTURE
from bot.errors import TextTooLong, TextTooShort
from bot.features.complete import new_run_id
from bot.features.surprise import reading, scoring
from bot.flows.attachments import attached, text_file
from bot.flows.message_text import text_in
from bot.flows.streams import ask
from bot.flows.warm_up import ready_model
from bot.interactions.reply import Interaction, Reply
from bot.model.model_info import ModelInfo
from bot.model.protocol import Step
from bot.services import Services


async def score_message(services: Services, interaction: Interaction, message: discord.Message) -> None:
    """Score the text of a message, for the person alone."""
    reply = Reply(interaction, private=True)
    await reply.acknowledge()
    await score_text(services, await text_in(message, interaction, services), reply)


async def score_text(services: Services, text: str, reply: Reply) -> None:
    """Show how surprising each token of ``text`` is; TextTooShort or TextTooLong."""
    model = await ready_model(services, reply)
    ids = services.encode(text)
    if len(ids) < 2:
        raise TextTooShort
    if len(ids) > model.context:
        raise TextTooLong(tokens=len(ids), context=model.context)
    # Once the model has read a text, its picture is always drawn, so check first that there is room.
    services.executor.check(reply.asker)
    async with ask(services.generations, scoring(new_run_id(), ids), asker=reply.asker) as answer:
        await reply.wait()
        steps = (await answer()).steps
    audience = Audience(reply.asker.person, reply.private)
    async with services.executor.place(reply.asker, promised=True) as place:
        content, picture = await services.executor.run(place, _scored, services, model, ids, steps, audience)
    files = [attached(PICTURE, picture), text_file(LISTING, content.listing)]
    # The text itself was checked, and blocked words are left out of what the model expected.
    await reply.finish(cards.surprise(content), files=files, harmless=True)


def _scored(
    services: Services, model: ModelInfo, ids: tuple[int, ...], steps: tuple[Step, ...], audience: Audience
) -> tuple[SurpriseCard, bytes]:
    """Make the card and picture of a text that ``model`` has read; a long one takes some 300 ms."""
    blocked = services.rules.blocked
    token = partial(services.encodings.token, encoding=model.encoding)
    found = reading(ids, steps, token, hidden=lambda token: blocked.in_text(token.visible))
    name = cards.model_name(model)
    card = cards.describe_surprise(found, model=name, vocabulary=model.vocabulary, audience=audience)
    return card, stacked(card.picture)
