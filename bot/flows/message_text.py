"""What there is to read in a message: what somebody wrote, or the text that a card is about."""

from __future__ import annotations

import asyncio
import logging

import discord

from bot.errors import FileUnreadable, NoText, RunExpired, StoreUnavailable
from bot.features.complete import CompletionRun
from bot.interactions.api_errors import TRANSIENT, with_retries
from bot.interactions.card_messages import heading_of, run_of
from bot.interactions.message_content import decoded, text_files, text_of
from bot.interactions.reply import Interaction
from bot.logs import named
from bot.services import Services
from bot.store.rows import Run
from bot.text.tokenization import Encodings

log = logging.getLogger(__name__)

_END_OF_TEXT = b"<|endoftext|>"
PATIENCE = 5.0  # seconds for files of a message, which are small


async def text_in(message: discord.Message, interaction: Interaction, services: Services) -> str:
    """The text that a message command reads; NoText if there is none, or WordBlocked.

    Files of text are read where the message says nothing else.
    Of the bot's own cards it is the text of their run, without the numbers and the
    small print around it; of what has no run, or none that is kept or can be
    read now, their head.
    """
    if message.author.id != interaction.client.user.id:
        # Any bot's buttons could name a run: only the bot's own cards show theirs.
        text = text_of(message) or await _files_of(message)
    else:
        text = await _run_text(message, services) or heading_of(message)
    if not text:
        raise NoText
    services.rules.check(text)
    return text


async def _files_of(message: discord.Message) -> str:
    """What is in the message's files of text; FileUnreadable if Discord does not give them."""
    try:
        async with asyncio.timeout(PATIENCE):
            return decoded([await with_retries(file.read) for file in text_files(message)])
    except TRANSIENT as error:
        log.warning("a file could not be read: %s", named(error))
        raise FileUnreadable from error


async def _run_text(message: discord.Message, services: Services) -> str:
    """The text of the run whose card the message is; nothing if no run of it is kept."""
    run_id = run_of(message)
    if run_id is None:
        return ""
    try:
        return full_text(await services.runs.get(run_id), services.encodings)
    except RunExpired:
        return ""
    except StoreUnavailable as error:
        log.error("the text of a card cannot be read: %s", error.detail)
        return ""


def full_text(run: Run, encodings: Encodings) -> str:
    """The prompt and what came behind it.

    The token that ends a text is no part of it, unless it is a piece of one, as a full stop is;
    nor are the bytes of a character that was not written to its end.
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
