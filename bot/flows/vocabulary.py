"""/vocabulary: find a token, look up the closest ones, and show them."""

from __future__ import annotations

from bot import cards
from bot.cards import Audience, VocabularyCard
from bot.cards.pictures.bars import draw_bars
from bot.cards.vocabulary import PICTURE
from bot.errors import NoSuchToken
from bot.flows.attachments import drawn
from bot.flows.warm_up import ready_model
from bot.interactions.reply import Interaction, Reply, is_private
from bot.services import Services
from bot.text.escaping import clip_end
from bot.text.vocabulary import Found

SIMILAR = 10
SUGGESTIONS = 25  # Discord takes no more
LONGEST_NAME = 80


async def search(services: Services, query: str, reply: Reply) -> None:
    """Show the token that ``query`` means; NoSuchToken if there is none."""
    model = await ready_model(services, reply)
    vocabulary = services.encodings.vocabulary(model.encoding)
    found = vocabulary.find(query)
    if found is None:
        raise NoSuchToken(query, vocabulary=len(vocabulary))
    await _show(services, found, Audience(reply.asker.person, reply.private), reply, typed=query)


async def open_token(services: Services, token_id: int, interaction: Interaction, *, in_place: bool) -> None:
    """Show another token, ``in_place`` on the same card or on a private one."""
    reply = Reply(interaction, private=True, replace=in_place)
    found = await _found(services, token_id, reply)
    audience = Audience(interaction.user.id, private=is_private(interaction) or not in_place)
    await _show(services, found, audience, reply)


async def show_numbers(services: Services, token_id: int, reply: Reply) -> None:
    """Show the token's bytes and its neighbours with their ids, to the person alone."""
    found = await _found(services, token_id, reply)
    await reply.wait()
    content = await _looked_up(services, found, Audience(reply.asker.person, private=True), reply)
    await reply.finish(cards.vocabulary_numbers(content))


def suggestions(services: Services, typed: str) -> list[tuple[str, str]]:
    """Return names and values to suggest while someone types, without blocked words."""
    vocabulary = services.encodings.vocabulary(services.encodings.usual)
    is_blocked = services.rules.blocked.in_text
    return [
        (f"{clip_end(vocabulary[token_id], LONGEST_NAME)}  ·  {token_id}", f"#{token_id}")
        for token_id in vocabulary.suggest(typed, SUGGESTIONS)
        if not is_blocked(vocabulary[token_id])
    ]


async def _found(services: Services, token_id: int, reply: Reply) -> Found:
    """Find a token on a card; NoSuchToken if the card is older than the loaded model, which lacks it."""
    model = await ready_model(services, reply)
    vocabulary = services.encodings.vocabulary(model.encoding)
    if token_id >= len(vocabulary):
        raise NoSuchToken(str(token_id), vocabulary=len(vocabulary))
    return Found(token_id, vocabulary.stem(token_id))


async def _show(
    services: Services, found: Found, audience: Audience, reply: Reply, *, typed: str | None = None
) -> None:
    async with reply.restored():
        await reply.wait()
        content = await _looked_up(services, found, audience, reply, typed=typed)
        bars = cards.vocabulary_bars(content)
        files = [await drawn(services, reply, PICTURE, draw_bars, bars)] if bars else []
        await reply.finish(cards.vocabulary(content), files=files)


async def _looked_up(
    services: Services, found: Found, audience: Audience, reply: Reply, *, typed: str | None = None
) -> VocabularyCard:
    """Ask the model for the closest tokens, and describe all that is shown."""
    model = services.generations.model
    alike = await services.generations.similar(found.token_id, SIMILAR, asker=reply.asker)
    return cards.describe_vocabulary(services.encodings, found, alike, audience, model=model, typed=typed)
