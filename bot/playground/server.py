"""The playground: the real bot in a simulated Discord, in the browser.

It needs no token and no network. Only the model's queue knows that it serves a simulation.
"""

from __future__ import annotations

import asyncio
import webbrowser
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import simcord

from bot.errors import PortTaken
from bot.playground.additions import additions
from bot.playground.page_actions import PageActions
from bot.playground.pages import LivePages
from bot.playground.private import extend, tell_sizes
from bot.playground.real_time import SimulatedGenerations
from bot.playground.world import World, simulated
from bot.services import Services
from bot.system.exit_status import ExitStatus
from bot.system.terminal import say

# The longest that anything but the model may take.
SETTLE_TIMEOUT = 60.0
WELCOME = """\
**This is Tokenwise in a pretend Discord.**
A language model writes one token at a time: a word, or a piece of one. See how.

Press an example below, or type `/` to see every command.
Press **⋯** on a message to split it into tokens, or to see what surprises the model.
Switch people at the top to see what **others** see."""


async def serve(
    services: Services, *, ready: Callable[[], Awaitable[Any]], port: int, open_browser: bool
) -> ExitStatus:
    """Run the playground until it is ended in the browser, or cancelled; the exit status.

    ``ready`` waits for the model; what it raises ends the playground.
    """
    pages: LivePages | None = None

    def shown() -> None:
        if pages is not None:
            pages.announce()

    async def wait(awaitable: Awaitable[Any]) -> Any:
        return await world.env.external_wait(awaitable, reason="the model")

    generations = SimulatedGenerations(services.generations, wait=wait, shown=shown)
    async with simulated(replace(services, generations=generations), settle_timeout=SETTLE_TIMEOUT) as world:
        await welcome(world)
        preview = world.env.preview(world.channel, viewers=world.members, layout="channel", port=port)
        extend(preview, additions(world.bot.tree), port=port)
        tell_sizes(preview)
        async with opened(preview, port):
            pages = LivePages(world.env, preview, PageActions(world))
            say(f"Open {preview.url}")
            if open_browser:
                await asyncio.to_thread(webbrowser.open, preview.url)
            await until_first(preview.wait_closed(), pages.run(), failure_of=ready())
    return ExitStatus.OK


@asynccontextmanager
async def opened(preview: simcord.Preview, port: int) -> AsyncIterator[None]:
    """The page, served; PortTaken if it cannot be."""
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(preview)
        except simcord.SetupError as error:
            if isinstance(error.__cause__, OSError):
                raise PortTaken(port) from error
            raise
        yield


async def until_first(*endings: Awaitable[Any], failure_of: Awaitable[Any]) -> None:
    """Wait for one of ``endings`` to end, or for ``failure_of`` to fail; raise what failed."""
    ends = {asyncio.ensure_future(ending) for ending in endings}
    loading = asyncio.ensure_future(failure_of)
    try:
        await asyncio.wait({*ends, loading}, return_when=asyncio.FIRST_COMPLETED)
        if loading.done():
            loading.result()
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            if end.done():
                end.result()
    finally:
        for task in (*ends, loading):
            task.cancel()
        await asyncio.gather(*ends, loading, return_exceptions=True)


async def welcome(world: World) -> None:
    """A first message in the channel that says what to try."""
    guide = world.guild.add_member(world.env.create_user("guide", global_name="Guide", bot=True))
    await guide.send(world.channel, WELCOME)
