"""The text of a message: what someone wrote, or the text that a card is about."""

from __future__ import annotations

import asyncio
import logging

import discord

from bot.errors import FileUnreadable, NoText, RunExpired, StoreUnavailable
from bot.features.complete import CompletionRun
from bot.interactions.api_errors import TRANSIENT, with_retries
from bot.interactions.card_messages import heading_of, run_id_of
from bot.interactions.message_content import decoded, text_files, text_of
from bot.interactions.reply import Interaction
from bot.logs import named
from bot.services import Services
from bot.store.rows import Run
from bot.text.tokenization import Encodings

log = logging.getLogger(__name__)

_END_OF_TEXT = b"<|endoftext|>"
PATIENCE = 5.0  # seconds for a message's files, which are small


async def text_in(message: discord.Message, interaction: Interaction, services: Services) -> str:
    """Return the text that a message command reads; NoText if there is none, or WordBlocked.

    Text files are read if the message says nothing else. For the bot's own cards, it is the
    text of their run, without the numbers and small print around it, or the card's head if
    there is no run, or none that can be read now.
    """
    if message.author.id != interaction.client.user.id:
        # Another bot's buttons could name any run, so only our own cards may show theirs.
        text = text_of(message) or await _files_of(message)
    else:
        text = await _run_text(message, services) or heading_of(message)
    if not text:
        raise NoText
    services.rules.check(text)
    return text


async def _files_of(message: discord.Message) -> str:
    """Read the message's text files; FileUnreadable if Discord doesn't deliver them."""
    try:
        async with asyncio.timeout(PATIENCE):
            return decoded([await with_retries(file.read) for file in text_files(message)])
    except TRANSIENT as error:
        log.warning("cannot read a message's file: %s", named(error))
        raise FileUnreadable from error


async def _run_text(message: discord.Message, services: Services) -> str:
    """Return the text of the message's run; empty if that isn't stored."""
    run_id = run_id_of(message)
    if run_id is None:
        return ""
    try:
        return full_text(await services.runs.get(run_id), services.encodings)
    except RunExpired:
        return ""
    except StoreUnavailable as error:
        log.error("cannot read the text of a card: %s", error.detail)
        return ""


def full_text(run: Run, encodings: Encodings) -> str:
    """Return the prompt and everything after it.

    A token that ends the text is left out, unless it is text itself, like a full stop. So are
    the bytes of an incomplete character.
    """
    encoding = run.fingerprint.encoding

    def is_end(token_id: int) -> bool:
        known = token_id in run.fingerprint.ends or encodings.bytes_of([token_id], encoding) == _END_OF_TEXT
        return known and encodings.is_special(token_id, encoding)

    if isinstance(run, CompletionRun):
        ids = run.prompt_ids + run.token_ids
    else:
        ids = run.walk.prompt_ids + run.walk.appended_ids
    written = encodings.bytes_of([token_id for token_id in ids if not is_end(token_id)], encoding)
    return written.decode(errors="ignore")
