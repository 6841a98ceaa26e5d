"""The bot in the test's own process, with a model in that process too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

from bot.app import Started
from bot.client import TokenwiseBot
from bot.gateway.shards import Shards
from bot.model.client.process import ModelProcess
from bot.moderation.rules import Rules
from bot.queue.queue import GenerationQueue
from bot.serve import bot_of, serve
from bot.services import Services
from bot.store.database import IN_MEMORY, opened
from bot.store.process_claims import Claims
from bot.store.process_locks import ProcessLocks
from bot.store.runs import Runs
from bot.text.tokenization import Encodings
from tests.fakes.discord.server import FakeDiscord
from tests.fakes.model import FakeModel
from tests.support.queues import queue_before
from tests.support.waiting import until

TOKEN = "a.fake.token"  # noqa: S105


@dataclass(frozen=True)
class Hosted:
    """The parts of a running bot; ``joining`` is the task that serves."""

    model: FakeModel
    queue: GenerationQueue
    services: Services
    bot: TokenwiseBot
    joining: asyncio.Task[int]


@asynccontextmanager
async def hosted(
    discord: FakeDiscord,
    model: FakeModel | None = None,
    *,
    url: str = IN_MEMORY,
    encodings: Encodings | None = None,
    rules: Rules | None = None,
    shards: Shards | None = None,
    grace: float = 0.0,
    **limits: Any,
) -> AsyncIterator[Hosted]:
    """Run the bot on ``discord`` until the block ends. ``limits`` are those of the queue.

    At the end, running requests have ``grace`` seconds to finish.
    """
    model = model or FakeModel()
    limits = {"max_waiting": 32, "max_running": 4, "per_person": 10, "deadline": 60.0} | limits
    async with opened(url) as database, queue_before(model, **limits) as queue:
        services = Services(
            queue,
            encodings or Encodings(),
            Runs(database, days=30),
            rules=rules or Rules(),
            locks=ProcessLocks(database),
            claims=Claims(database),
        )
        with discord.addresses():
            parts = Started(cast("ModelProcess", model), queue, services)
            discord.gateway.joined.clear()  # an earlier bot may have set it
            bot = bot_of(parts, shards=shards)
            joining = asyncio.create_task(serve(bot, TOKEN, parts, grace=grace))
            try:
                joined = asyncio.create_task(_joined(discord, shards))
                await asyncio.wait({joining, joined}, return_when=asyncio.FIRST_COMPLETED)
                joined.cancel()
                if joining.done():
                    joining.result()
                yield Hosted(model, queue, services, bot, joining)
            finally:
                joining.cancel()
                await asyncio.wait({joining})


async def _joined(discord: FakeDiscord, shards: Shards | None) -> None:
    """Return once all shards are connected, or these."""
    if shards is None:
        await discord.joined()
        return
    expected = discord.gateway.identified + len(shards.ids)
    await until(lambda: discord.gateway.identified >= expected)
