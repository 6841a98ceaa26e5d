"""The bot on Discord itself: log in, serve, and say in one sentence what prevents it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, NoReturn

from bot.app import Started
from bot.client import TokenwiseBot
from bot.errors import ShuttingDown, UnexpectedStop
from bot.interactions.error_handler import answer_with_error
from bot.login import connect, log_in
from bot.monitoring.endpoint import Address
from bot.monitoring.watching import watched
from bot.proxies import Proxy
from bot.runtime import freeze_heap

GRACE = 20.0  # seconds for the model to finish what it is at
# Seconds for everybody to be told what became of what they asked: half of them for the
# pictures that are still to be drawn, half for those to be told whose are not.
FAREWELL = 5.0
# And for those to be told whose answers wait for anything else, such as a database that hangs.
LAST_WORDS = 2.5


async def join(
    token: str,
    parts: Started,
    *,
    metrics: Address | None = None,
    proxy: Proxy | None = None,
    grace: float = GRACE,
) -> NoReturn:
    """Serve Discord, and ``metrics`` if they are wanted, until cancelled; then until everybody has been told.

    The model has ``grace`` seconds for what it is at then.

    Raises InvalidSetting if Discord refuses the token or the address cannot be had,
    DiscordUnreachable, LoginRefused, GatewayRefused, ModelUnusable once the model turns out to be so,
    or UnexpectedStop.
    """
    on_acknowledged = parts.instruments.acknowledgement.observe
    bot = TokenwiseBot(parts.services, on_acknowledged=on_acknowledged, proxy=proxy)
    async with bot, watched(bot, parts, metrics):
        await log_in(bot, token)
        freeze_heap()  # the commands, above all
        async with (
            _background(parts.model.wait_ready(), name="waiting for the model") as loading,
            _background(connect(bot), name="the connection to Discord") as serving,
        ):
            try:
                await _ended(loading, serving)
            finally:
                # While there is still a connection by which to tell people.
                await _say_farewell(bot, parts, grace)


async def _ended(loading: asyncio.Task[object], serving: asyncio.Task[object]) -> NoReturn:
    """Raise why the bot cannot go on, once it cannot. Only ``loading`` ends as it should."""
    done, _ = await asyncio.wait({loading, serving}, return_when=asyncio.FIRST_COMPLETED)
    if done == {loading} and not loading.cancelled() and loading.exception() is None:
        await asyncio.wait({serving})
    for task in (loading, serving):
        if task.cancelled():
            raise UnexpectedStop(f"{task.get_name()} was cancelled")
        if task.done():
            task.result()
    raise UnexpectedStop(f"{serving.get_name()} was given up")


async def _say_farewell(bot: TokenwiseBot, parts: Started, grace: float) -> None:
    """Let nobody begin anything with the model, and leave no answer unfinished."""
    executor = parts.services.executor
    executor.close()
    await parts.queue.close(patience=grace)
    await bot.tracker.wait_idle(FAREWELL / 2)
    executor.end()
    await bot.tracker.wait_idle(FAREWELL / 2)
    with suppress(TimeoutError):
        async with asyncio.timeout(LAST_WORDS):
            await _tell_the_rest(bot)
    bot.tracker.close()


async def _tell_the_rest(bot: TokenwiseBot) -> None:
    left = bot.tracker.cancel_all()
    await bot.tracker.wait_idle(LAST_WORDS / 2)  # what is cancelled may have something to put right
    await asyncio.gather(*(answer_with_error(one, ShuttingDown()) for one in left))
    await bot.tracker.wait_idle(LAST_WORDS)


@asynccontextmanager
async def _background(work: Coroutine[Any, Any, object], *, name: str) -> AsyncIterator[asyncio.Task[object]]:
    """``work`` in a task that ends with the block."""
    task = asyncio.create_task(work, name=name)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})
