"""What Discord, or something on the way to it, answered instead of doing what it was asked.

For the operator, in a few words. Only Discord's own words are quoted: a proxy's page may hold anything.
"""

from __future__ import annotations

import aiohttp
import discord

from bot.logs import named
from bot.text.escaping import clip_end

# The connection broke, or there was none.
NOTHING_CAME = (OSError, aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)
_LONGEST = 300  # characters of Discord's words


def is_discords_own(error: discord.HTTPException) -> bool:
    """Whether Discord itself answered: it does so in JSON, everything else on the way in text or HTML."""
    return error.response.headers.get("Content-Type") == "application/json"


def refusal(error: BaseException) -> str:
    """What ``error`` says of Discord's answer, such as ``HTTP 403, code 50001: Missing Access``."""
    if isinstance(error, discord.HTTPException):
        if not is_discords_own(error):
            return f"HTTP {error.status}, and not by Discord itself"
        words = clip_end(" ".join(error.text.split()), _LONGEST)
        return f"HTTP {error.status}, code {error.code}: {words}" if error.code else f"HTTP {error.status}"
    if isinstance(error, discord.RateLimited):
        return f"HTTP 429, for the next {error.retry_after:,.0f} s"
    if isinstance(error, aiohttp.ClientResponseError) and error.status:
        return f"HTTP {error.status}, and not by Discord itself"
    if isinstance(error, NOTHING_CAME):
        return f"no answer, {named(error)}"
    return f"an answer that is not Discord's, {named(error)}"


def retry_after(error: BaseException) -> float | None:
    """The seconds for which Discord, or Cloudflare before it, wants no further request, if it says so."""
    if isinstance(error, discord.RateLimited):
        return error.retry_after
    if not isinstance(error, discord.HTTPException):
        return None
    told = error.response.headers.get("Retry-After", "")
    return float(told) if told.isascii() and told.isdigit() and len(told) < 10 else None
