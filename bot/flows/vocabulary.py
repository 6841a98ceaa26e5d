"""/vocabulary: find a token, look up the closest ones, and show them."""

from __future__ import annotations

from bot import cards
from bot.cards import Audience
from bot.errors import NoSuchToken
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
    model = await ready_model(services, reply)
    vocabulary = services.encodings.vocabulary(model.encoding)
    found = Found(token_id, vocabulary.stem(token_id))
    audience = Audience(interaction.user.id, private=is_private(interaction) or not in_place)
    await _show(services, found, audience, reply)


def suggestions(services: Services, typed: str) -> list[tuple[str, str]]:
    """Return names and values to suggest while someone types, without blocked words."""
    vocabulary = services.encodings.vocabulary(services.encodings.usual)
    is_blocked = services.rules.blocked.in_text
    return [
        (f"{clip_end(vocabulary[token_id], LONGEST_NAME)}  ·  {token_id}", f"#{token_id}")
        for token_id in vocabulary.suggest(typed, SUGGESTIONS)
        if not is_blocked(vocabulary[token_id])
    ]


async def _show(
    services: Services, found: Found, audience: Audience, reply: Reply, *, typed: str | None = None
) -> None:
    model = services.generations.model
    async with reply.restored():
        await reply.wait()
        alike = await services.generations.similar(found.token_id, SIMILAR, asker=reply.asker)
        content = cards.describe_vocabulary(
            services.encodings, found, alike, audience, model=model, typed=typed
        )
        await reply.finish(cards.vocabulary(content))
