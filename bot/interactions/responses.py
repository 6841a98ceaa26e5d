"""Requests to Discord, and what is done where they fail.

discord.py sends a request again where Discord answers 429 or 5xx, and does not tell. Where Discord does not
answer at all, since the connection broke, that is done here: whether Discord did what it was
asked is not known then, so it must do no harm to ask it twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any, TypeVar

import aiohttp
import discord
from discord import InteractionResponseType as Kind

Interaction = discord.Interaction[Any]
T = TypeVar("T")

# The connection broke, or there was none.
UNANSWERED = (aiohttp.ClientError, OSError, TimeoutError)
# What a request to Discord raises when it, or the network, fails.
TRANSIENT = (discord.HTTPException, discord.RateLimited, *UNANSWERED)
_ALREADY_ACKNOWLEDGED = 40060
# Unknown channel, server, message, webhook (the message's token is over), interaction; answered by
# another copy of this bot; no access to the channel any more; invalid webhook token: nobody is there
# to be answered. A permission that is missing (50013) may be missing for this kind of message alone.
_GONE = frozenset({10003, 10004, 10008, 10015, 10062, _ALREADY_ACKNOWLEDGED, 50001, 50027})

# Seconds before each further attempt; an acknowledgement has three seconds in all.
_PAUSES = (0.0, 0.2, 0.6, 1.5)
_SHORT_PAUSES = (0.0, 0.1, 0.2, 0.4)

# In an interaction's extras: how it was, and how it may have been acknowledged.
_ACKNOWLEDGED = "acknowledged"
_PERHAPS = "perhaps acknowledged"


def is_gone(error: BaseException) -> bool:
    """Whether there is nobody to be answered any more."""
    return isinstance(error, discord.HTTPException) and error.code in _GONE


def is_failure_of_discord(error: BaseException) -> bool:
    """Whether Discord or the network failed or forbade it, and the request itself was right."""
    return isinstance(
        error, (discord.DiscordServerError, discord.Forbidden, discord.RateLimited, *UNANSWERED)
    ) or (isinstance(error, discord.HTTPException) and error.status == 429)


async def repeated(send: Callable[[], Awaitable[T]], *, pauses: Iterable[float] = _PAUSES) -> T:
    """What ``send`` gives; it is called again where Discord did not answer, after each of the ``pauses``."""
    for pause in pauses:
        try:
            return await send()
        except UNANSWERED:
            await asyncio.sleep(pause)
    return await send()


async def acknowledge(interaction: Interaction, kind: Kind, send: Callable[[], Awaitable[object]]) -> bool:
    """Let ``send`` answer for the first time, in the way that ``kind`` says.

    False if an earlier attempt, of which it was not known, had come through: then what
    ``send`` sends is not shown.
    """

    async def attempt() -> bool:
        try:
            await send()
        except (*UNANSWERED, asyncio.CancelledError):
            interaction.extras.setdefault(_PERHAPS, kind)
            raise
        except discord.HTTPException as error:
            if error.code != _ALREADY_ACKNOWLEDGED:
                raise
            if interaction.client.tracker.is_in_doubt(interaction.id):
                interaction.extras.setdefault(_PERHAPS, kind)
            if _PERHAPS not in interaction.extras:
                raise
            return False
        return True

    is_sent = await repeated(attempt, pauses=_SHORT_PAUSES)
    interaction.extras[_ACKNOWLEDGED] = kind if is_sent else interaction.extras[_PERHAPS]
    return is_sent


def is_acknowledged(interaction: Interaction) -> bool:
    return acknowledged_as(interaction) is not None


def acknowledged_as(interaction: Interaction) -> Kind | None:
    """How the interaction was answered for the first time, if it was."""
    kind: Kind | None = interaction.extras.get(_ACKNOWLEDGED, interaction.response.type)
    return kind


async def defer(interaction: Interaction) -> None:
    """Acknowledge a press by which its card does not change, or not yet."""
    await acknowledge(interaction, Kind.deferred_message_update, interaction.response.defer)


async def think(interaction: Interaction, *, private: bool) -> None:
    """Show "thinking…" in the place of what is shown later."""
    send = partial(interaction.response.defer, thinking=True, ephemeral=private)
    await acknowledge(interaction, Kind.deferred_channel_message, send)
