"""The bot and its parts, watched through the optional port."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from bot.app import Started
from bot.client import TokenwiseBot
from bot.monitoring.collectors import registry_of
from bot.monitoring.endpoint import Address, served
from bot.monitoring.health import ailments
from bot.monitoring.lag import watched_lag


@asynccontextmanager
async def watched(bot: TokenwiseBot, parts: Started, at: Address | None) -> AsyncIterator[None]:
    """Tell of them ``at`` this address for as long as the block lasts; without one, nothing is done.

    Raises InvalidSetting if it cannot be told there.
    """
    if at is None:
        yield
        return
    async with watched_lag() as lag:
        registry = registry_of(parts.queue, parts.model, bot, lag, parts.instruments)
        async with served(at, registry, partial(ailments, parts.model, bot)):
            yield
