"""Log in to Discord and stay connected; each failure is one error, whose exit status says whether to retry.

Discord, Cloudflare in front of it, a proxy or a network's sign-in page may answer. Only Discord's own answer
can say that the token is wrong.
"""

from __future__ import annotations

import asyncio
import logging

import aiohttp
import discord

from bot.client import TokenwiseBot
from bot.errors import DiscordUnreachable, GatewayRefused, InvalidSetting, LoginRefused, StartError
from bot.interactions.api_errors import NOTHING_CAME, UNANSWERED, is_discords_own, refusal, retry_after
from bot.proxies import ALLOWED

log = logging.getLogger(__name__)

# Seconds before the bot ends and may be restarted: for what Discord counts towards a ban, and the rest.
_PAUSE_COUNTED, _PAUSE, _LONGEST_PAUSE = 600.0, 60.0, 3600.0
_COUNTED = (401, 403, 429)
_PATIENCE = 10.0  # seconds for an answer that the bot can do without
_BAD_TOKEN, _TOO_FEW_SHARDS = 4004, 4011
# What discord.py raises when it reads an answer that is not Discord's.
_UNREADABLE = (LookupError, TypeError, ValueError, AttributeError)


async def log_in(bot: TokenwiseBot, token: str) -> None:
    """Log in or raise a StartError, after a pause if a restart would ask Discord too often."""
    try:
        await _log_in(bot, token)
        await _plan(bot)
    except LoginRefused as refused:
        log.error(
            "%s The bot ends in %.0f s, so that no restart asks sooner.", refused.sentence, refused.pause
        )
        await asyncio.sleep(refused.pause)
        raise


async def connect(bot: TokenwiseBot) -> None:
    """Stay connected until cancelled; StartError if Discord refuses the bot or never answered."""
    try:
        await bot.connect()
    except discord.PrivilegedIntentsRequired as error:
        raise GatewayRefused(4014) from error
    except discord.ConnectionClosed as error:
        raise _refused(error.code, is_planned=bot.is_planned) from error
    except discord.GatewayNotFound as error:
        raise DiscordUnreachable("its gateway") from error


async def _log_in(bot: TokenwiseBot, token: str) -> None:
    try:
        await bot.login(token)
    except (discord.HTTPException, discord.LoginFailure, discord.RateLimited, *UNANSWERED) as error:
        raise start_error(error, by_proxy=bot.http.proxy is not None) from error
    except _UNREADABLE as error:
        if bot.application is not None:
            raise
        raise start_error(error) from error


async def _plan(bot: TokenwiseBot) -> None:
    """Let Discord say how many shards the bot needs. Without an answer, it is tried with one.

    Raises LoginRefused if no connections are left today: one more, and Discord revokes the token.
    """
    recommended, at_once = None, 1
    try:
        async with asyncio.timeout(_PATIENCE):
            recommended, _, limit = await bot.http.get_bot_gateway()
        is_over, at_once = limit["remaining"] < 1, limit["max_concurrency"]
    except (discord.DiscordException, *UNANSWERED, *_UNREADABLE) as error:
        said = refusal(error.__cause__ or error)
        log.warning("Discord did not say how many shards the bot needs: %s", said)
    else:
        if is_over:
            seconds = limit["reset_after"] / 1000
            problem = f"it has connected {limit['total']:,} times today, the most that Discord allows"
            raise LoginRefused(problem, pause=min(seconds, _LONGEST_PAUSE))
    bot.plan(recommended, max_concurrency=at_once)


def _refused(code: int, *, is_planned: bool) -> StartError:
    """Turn the code with which the gateway closed for good into the error to end with."""
    if code == _BAD_TOKEN:
        return _token_refused()
    if code == _TOO_FEW_SHARDS and not is_planned:
        return DiscordUnreachable("it did not say how many shards this bot needs")
    return GatewayRefused(code)


def start_error(error: Exception, *, by_proxy: bool = False) -> StartError:
    """Turn a failed login, through a proxy or not, into the error to end with."""
    if isinstance(error, discord.LoginFailure) and isinstance(error.__cause__, discord.HTTPException):
        return start_error(error.__cause__)
    if isinstance(error, (discord.HTTPException, aiohttp.ClientResponseError)):
        if error.status == 407 and by_proxy:
            problem = "names a proxy that refuses this user and password (HTTP 407)"
            return InvalidSetting("HTTPS_PROXY", problem=problem, allowed=ALLOWED)
        if error.status >= 500:
            return DiscordUnreachable(refusal(error))
    if isinstance(error, discord.HTTPException) and error.status == 401 and is_discords_own(error):
        return _token_refused()
    if isinstance(error, NOTHING_CAME):
        return DiscordUnreachable(type(error).__name__)
    return LoginRefused(refusal(error), pause=_pause(error))


def _token_refused() -> InvalidSetting:
    return InvalidSetting(
        "DISCORD_TOKEN",
        problem="was refused by Discord",
        allowed="the token on the Bot page of your application",
    )


def _pause(error: Exception) -> float:
    counted = isinstance(error, discord.RateLimited) or getattr(error, "status", None) in _COUNTED
    wanted = retry_after(error) or (_PAUSE_COUNTED if counted else _PAUSE)
    return min(wanted, _LONGEST_PAUSE)
