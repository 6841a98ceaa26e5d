"""The one place where errors of commands, buttons and modals become sentences that people read."""

from __future__ import annotations

import logging

from discord import app_commands

from bot import cards
from bot.errors import (
    DiscordFailed,
    GenerationFailed,
    StartError,
    Stopped,
    StoreUnavailable,
    TokenwiseError,
    spoken,
)
from bot.interactions.api_errors import TRANSIENT, is_failure_of_discord, is_gone
from bot.interactions.notices import send_error
from bot.interactions.responses import Interaction
from bot.logs import named

log = logging.getLogger(__name__)

UNEXPECTED = "Something went wrong on my side. I've logged it; please try again."
NO_MODEL = "I can't use my model right now. The log tells my operator why."
OUTDATED = "This command has just been updated. Please try again in a minute."


async def answer_with_error(interaction: Interaction, error: Exception) -> None:
    """Tell the person who asked, privately and in one sentence, what went wrong."""
    cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
    interaction.client.tracker.note_error(interaction.id, cause)
    if is_gone(cause):
        log.info("the message to answer is gone: %s", named(cause))
        return
    try:
        try:
            sentence = _sentence(cause)
            # What people stop themselves is no error.
            view = cards.notice(sentence) if isinstance(cause, Stopped) else cards.error(sentence)
            await send_error(interaction, view)
        except Exception as failure:
            if is_gone(failure) or is_failure_of_discord(failure):
                raise
            log.error("could not send an error's own sentence: %s", named(cause), exc_info=failure)
            await send_error(interaction, cards.error(UNEXPECTED))
    except TRANSIENT as failure:
        log.warning("could not send an error message: %s", named(failure))


def _sentence(cause: Exception) -> str:
    """Return the sentence for the person, and log what the operator has to know."""
    if isinstance(cause, GenerationFailed):
        log.error("a generation failed: %s", cause.detail)
    if isinstance(cause, StoreUnavailable):
        log.error("the database failed: %s", cause.detail)
    if isinstance(cause, StartError):  # its own sentence is for the operator, and may name a path
        log.error("refused a request: %s", cause.sentence)
        return NO_MODEL
    if isinstance(cause, TokenwiseError):
        return spoken(cause)
    if isinstance(cause, (app_commands.CommandNotFound, app_commands.CommandSignatureMismatch)):
        return OUTDATED
    if is_failure_of_discord(cause):
        log.warning("Discord failed: %s", named(cause))
        return DiscordFailed().sentence
    log.error("unexpected error in a command", exc_info=cause)
    return UNEXPECTED


def is_worth_logging(record: logging.LogRecord) -> bool:
    """Filter out discord.py's error records for suggestions that Discord or the network did not deliver.

    The next keystroke asks for new ones anyway.
    """
    error = record.exc_info[1] if record.exc_info else None
    return error is None or not (is_gone(error) or is_failure_of_discord(error))
