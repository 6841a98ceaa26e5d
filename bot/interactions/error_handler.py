"""The only place that tells people of errors: of commands, buttons and menus alike."""

from __future__ import annotations

import logging

from discord import app_commands

from bot import cards
from bot.errors import DiscordFailed, GenerationFailed, StartError, StoreUnavailable, TokenwiseError, spoken
from bot.interactions.notices import tell_of_error
from bot.interactions.responses import TRANSIENT, Interaction, is_failure_of_discord, is_gone
from bot.logs import named

log = logging.getLogger(__name__)

UNEXPECTED = "Something went wrong on my side. I've logged it; please try again."
NO_MODEL = "I can't use my model right now. The log tells my operator why."
OUTDATED = "This command has just been updated. Please try again in a minute."


async def report(interaction: Interaction, error: Exception) -> None:
    """Tell the person who asked, and nobody else, what went wrong in one sentence."""
    cause = _cause(error)
    interaction.client.tracker.failed(interaction.id, cause)
    if is_gone(cause):
        log.info("the message to answer is gone: %s", named(cause))
        return
    try:
        try:
            await tell_of_error(interaction, cards.error(_sentence(cause)))
        except Exception as failure:
            if is_gone(failure) or is_failure_of_discord(failure):
                raise
            log.error("what an error says was refused: %s", named(cause), exc_info=failure)
            await tell_of_error(interaction, cards.error(UNEXPECTED))
    except TRANSIENT as failure:
        log.warning("could not tell of an error: %s", named(failure))


def _cause(error: Exception) -> Exception:
    return error.original if isinstance(error, app_commands.CommandInvokeError) else error


def _sentence(cause: Exception) -> str:
    if isinstance(cause, GenerationFailed):
        log.error("a generation failed: %s", cause.detail)
    if isinstance(cause, StoreUnavailable):
        log.error("the database failed: %s", cause.detail)
    if isinstance(cause, StartError):  # it is for the operator, and may name a path
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
    """False where discord.py could not send suggestions because Discord or the network failed.

    It logs every such failure as an error. But nobody waits for suggestions: with the next
    character they are asked for anew.
    """
    error = record.exc_info[1] if record.exc_info else None
    return error is None or not (is_gone(error) or is_failure_of_discord(error))
