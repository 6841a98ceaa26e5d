"""What goes wrong between the bot and Discord: whether to try again, whether anyone can still be answered.

Descriptions are for the operator, in a few words. They quote Discord alone: a proxy's page may hold anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import aiohttp
import discord

from bot.logs import named
from bot.text.escaping import clip_end

T = TypeVar("T")

# There was no connection, or it broke.
NOTHING_CAME = (OSError, aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)
# The request got no answer: Discord may have carried it out or not.
UNANSWERED = (aiohttp.ClientError, OSError, TimeoutError)
# Everything that a request raises when Discord or the network fails.
TRANSIENT = (discord.HTTPException, discord.RateLimited, *UNANSWERED)

ALREADY_ACKNOWLEDGED = 40060  # perhaps by another copy of this bot
# Unknown channel, server, message, webhook (its token has expired) or interaction; no access to the channel;
# invalid webhook token. Not a missing permission (50013): another kind of message may be allowed.
_GONE = frozenset({10003, 10004, 10008, 10015, 10062, ALREADY_ACKNOWLEDGED, 50001, 50027})

# Seconds before each further attempt.
_PAUSES = (0.0, 0.2, 0.6, 1.5)
_LONGEST_QUOTE = 300  # characters of Discord's words


def is_gone(error: BaseException) -> bool:
    """Whether there is no longer anyone to answer."""
    return isinstance(error, discord.HTTPException) and error.code in _GONE


def is_failure_of_discord(error: BaseException) -> bool:
    """Whether Discord or the network failed or forbade a request that was right in itself."""
    return isinstance(
        error, (discord.DiscordServerError, discord.Forbidden, discord.RateLimited, *UNANSWERED)
    ) or (isinstance(error, discord.HTTPException) and error.status == 429)


def is_discords_own(error: discord.HTTPException) -> bool:
    """Whether Discord itself answered: it speaks JSON, everything else on the way text or HTML."""
    return error.response.headers.get("Content-Type") == "application/json"


def refusal(error: BaseException) -> str:
    """Describe the answer that came instead, as in ``HTTP 403, code 50001: Missing Access``."""
    if isinstance(error, discord.HTTPException):
        if not is_discords_own(error):
            return f"HTTP {error.status}, not from Discord itself"
        words = clip_end(" ".join(error.text.split()), _LONGEST_QUOTE)
        return f"HTTP {error.status}, code {error.code}: {words}" if error.code else f"HTTP {error.status}"
    if isinstance(error, discord.RateLimited):
        return f"HTTP 429, for the next {error.retry_after:,.0f} s"
    if isinstance(error, aiohttp.ClientResponseError) and error.status:
        return f"HTTP {error.status}, not from Discord itself"
    if isinstance(error, NOTHING_CAME):
        return f"no answer, {named(error)}"
    return f"an answer that is not Discord's, {named(error)}"


def retry_after(error: BaseException) -> float | None:
    """Return the seconds for which Discord, or Cloudflare before it, wants no requests; None if unsaid."""
    if isinstance(error, discord.RateLimited):
        return error.retry_after
    if not isinstance(error, discord.HTTPException):
        return None
    seconds = error.response.headers.get("Retry-After", "")
    return float(seconds) if seconds.isascii() and seconds.isdigit() and len(seconds) < 10 else None


async def with_retries(send: Callable[[], Awaitable[T]], *, pauses: Iterable[float] = _PAUSES) -> T:
    """Return what ``send`` does, repeating it after each of the ``pauses`` (seconds) while it gets no answer.

    discord.py itself repeats what Discord answers with 429 or 5xx, but not what gets no answer at all. The
    first attempt may have been carried out nevertheless, so a second one must do no harm.
    """
    for pause in pauses:
        try:
            return await send()
        except UNANSWERED:
            await asyncio.sleep(pause)
    return await send()
