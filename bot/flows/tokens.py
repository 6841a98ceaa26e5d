"""/tokens: cut a text, draw the pieces, and show them."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial

import discord

from bot import cards
from bot.cards import Audience, TokensCard
from bot.cards.pictures.tiles import token_cut
from bot.cards.tokens import LISTING, PICTURE
from bot.flows.message_text import text_in
from bot.interactions.reply import Interaction, Reply
from bot.services import Services
from bot.text.tokenization import Encodings

# The card and its picture, for the card's audience.
Describe = Callable[[Audience], tuple[TokensCard, bytes]]


async def cut_message(services: Services, interaction: Interaction, message: discord.Message) -> None:
    """Cut the text of a message, for the person alone."""
    reply = Reply(interaction, private=True)
    await reply.acknowledge()
    await cut_text(services, await text_in(message, interaction, services), reply, encoding=None)


async def cut_text(services: Services, text: str, reply: Reply, *, encoding: str | None) -> None:
    """Cut ``text`` by an encoding, by default the loaded model's."""
    known = services.encodings
    await show_tokens(services, partial(_cut, known, text, known.resolve_or_usual(encoding)), reply)


async def show_tokens(services: Services, describe: Describe, reply: Reply) -> None:
    """Draw in the person's turn, and show.

    The text itself was let in, and its tokens are not words of their own.
    """
    async with services.executor.place(reply.asker) as place:
        await reply.wait()
        audience = Audience(reply.asker.person, reply.private)
        content, picture = await services.executor.run(place, describe, audience)
    files = [discord.File(io.BytesIO(picture), PICTURE)]
    if content.needs_listing:
        files.append(discord.File(io.BytesIO(content.listing.encode()), LISTING))
    await reply.finish(cards.tokens(content), files=files, harmless=True)


def _cut(encodings: Encodings, text: str, encoding: str, audience: Audience) -> tuple[TokensCard, bytes]:
    """The card of a text and its picture; some 100 ms for a long one."""
    tokenized = encodings.cut(text, encoding)
    card = cards.describe_tokens(tokenized, encodings.counts(text, encoding), len(text), audience=audience)
    return card, token_cut(tokenized.pieces)
