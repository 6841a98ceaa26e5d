"""/tokens: split a text into tokens, draw them, and show them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import discord

from bot import cards
from bot.cards import Audience, TokensCard
from bot.cards.pictures.stack import stacked
from bot.cards.tokens import LISTING, PICTURE
from bot.flows.attachments import attached, text_file
from bot.flows.message_text import text_in
from bot.interactions.reply import Interaction, Reply
from bot.services import Services
from bot.text.tokenization import Encodings

# Makes the card, given who sees it.
Describe = Callable[[Audience], TokensCard]


async def tokenize_message(services: Services, interaction: Interaction, message: discord.Message) -> None:
    """Tokenize a message's text, and show the result to the person alone."""
    reply = Reply(interaction, private=True)
    await reply.acknowledge()
    await tokenize_text(services, await text_in(message, interaction, services), reply, encoding=None)


async def tokenize_text(services: Services, text: str, reply: Reply, *, encoding: str | None) -> None:
    """Tokenize ``text`` with ``encoding``, by default the loaded model's; UnknownEncoding."""
    known = services.encodings
    await show_tokens(services, partial(_described, known, text, known.resolve_or_usual(encoding)), reply)


async def show_tokens(services: Services, describe: Describe, reply: Reply) -> None:
    """Describe and draw when it is the person's turn, then show the card.

    Nothing is screened: the text itself was checked, and its tokens are not new words.
    """
    async with services.executor.place(reply.asker) as place:
        await reply.wait()
        audience = Audience(reply.asker.person, reply.private)
        content, png = await services.executor.run(place, _drawn, describe, audience)
    files = [attached(PICTURE, png)]
    if content.listing is not None:
        files.append(text_file(LISTING, content.listing))
    await reply.finish(cards.tokens(content), files=files, harmless=True)


def _drawn(describe: Describe, audience: Audience) -> tuple[TokensCard, bytes]:
    """Make the card and its picture; a text of 6,000 characters takes some 100 ms."""
    content = describe(audience)
    return content, stacked(content.picture)


def _described(encodings: Encodings, text: str, encoding: str, audience: Audience) -> TokensCard:
    tokenized = encodings.cut(text, encoding)
    return cards.describe_tokens(tokenized, encodings.counts(text, encoding), len(text), audience=audience)
