"""The bot on Discord: log in, serve until cancelled, and end without leaving anyone waiting."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, NoReturn

from bot.app import Started
from bot.client import TokenwiseBot
from bot.errors import ShuttingDown, UnexpectedStop
from bot.gateway.shards import Shards
from bot.interactions.error_handler import answer_with_error
from bot.login import connect, log_in
from bot.monitoring.endpoint import Address, monitored
from bot.monitoring.metrics import Sources
from bot.proxies import Proxy
from bot.system.runtime import freeze_heap

GRACE = 20.0  # grace period in seconds for running requests
# Seconds to finish the remaining answers: half for pictures that are still to be drawn, half to tell people
# whose pictures will not be.
FAREWELL = 5.0
# And to tell those whose answers wait for anything else, such as a database that hangs.
LAST_WORDS = 2.5


async def join(
    token: str,
    parts: Started,
    *,
    metrics: Address | None = None,
    proxy: Proxy | None = None,
    shards: Shards | None = None,
    grace: float = GRACE,
) -> NoReturn:
    """Serve Discord, and ``metrics`` if wanted, until cancelled; then end every answer properly.

    Running requests have ``grace`` seconds to finish. ``shards`` are those of this process.

    Raises InvalidSetting if Discord refuses the token or the address cannot be used, DiscordUnreachable,
    LoginRefused, GatewayRefused, ModelUnusable as soon as the model turns out to be, or UnexpectedStop.
    """
    await serve(bot_of(parts, proxy=proxy, shards=shards), token, parts, metrics=metrics, grace=grace)


def bot_of(parts: Started, *, proxy: Proxy | None = None, shards: Shards | None = None) -> TokenwiseBot:
    on_acknowledged = parts.instruments.acknowledgement.observe
    return TokenwiseBot(parts.services, on_acknowledged=on_acknowledged, proxy=proxy, shards=shards)


async def serve(
    bot: TokenwiseBot, token: str, parts: Started, *, metrics: Address | None = None, grace: float = GRACE
) -> NoReturn:
    """What :func:`join` does, with a bot that is already made."""
    async with bot, monitored(sources(bot, parts), metrics):
        await log_in(bot, token)
        freeze_heap()  # the commands, above all
        async with (
            _background(parts.model.wait_ready(), name="waiting for the model") as loading,
            _background(connect(bot), name="the connection to Discord") as serving,
        ):
            try:
                await _until_over(loading, serving)
            finally:
                await _say_farewell(bot, parts, grace)  # while there is still a connection


def sources(bot: TokenwiseBot, parts: Started) -> Sources:
    """Name what there is to monitor."""
    return Sources(
        queue=parts.queue,
        executor=parts.services.executor,
        worker=parts.model,
        runs=parts.services.runs,
        connection=bot,
        dropped=bot.tracker.dropped,
        responses=bot.http_trace.responses,
        instruments=parts.instruments,
    )


async def _until_over(loading: asyncio.Task[object], serving: asyncio.Task[object]) -> NoReturn:
    """Raise the reason as soon as the bot cannot go on. Only ``loading`` may simply end."""
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
    """Admit nothing more to the model, and finish the answers under way or tell people why not."""
    bot.tracker.leave()
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
    await bot.tracker.wait_idle(LAST_WORDS / 2)  # cancelled answers may have to clean up
    await asyncio.gather(*(answer_with_error(one, ShuttingDown()) for one in left))
    await bot.tracker.wait_idle(LAST_WORDS)


@asynccontextmanager
async def _background(work: Coroutine[Any, Any, object], *, name: str) -> AsyncIterator[asyncio.Task[object]]:
    """Run ``work`` in a task that ends with the block."""
    task = asyncio.create_task(work, name=name)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})
