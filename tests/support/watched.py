"""A bot whose model steps on command, and a client for its monitoring port."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import aiohttp
from aiohttp.test_utils import unused_port
from prometheus_client.parser import text_string_to_metric_families

from bot.app import Started
from bot.client import TokenwiseBot
from bot.gateway.shards import ShardState
from bot.monitoring.endpoint import Address, monitored
from bot.monitoring.metrics import Instruments
from bot.queue.limits import Limits
from bot.queue.queue import GenerationQueue
from bot.serve import sources
from bot.services import Services
from bot.store.database import IN_MEMORY, opened
from bot.store.runs import Runs
from bot.text.tokenization import Encodings
from tests.fakes.model import FakeModel


@dataclass(eq=False)
class WatchedModel(FakeModel):
    """A model with the figures of a worker that are monitored."""

    restarts: int = 0
    serving: bool = True
    pid: int | None = None
    batch: int = 0


class ConnectedBot(TokenwiseBot):
    """A bot whose shards are connected except for those ``offline``; none is unless it is ``online``."""

    online = True
    offline: frozenset[int] = frozenset()
    heartbeat = math.nan

    def shard_states(self) -> Mapping[int, ShardState]:
        return {
            id_: ShardState(self.online and id_ not in self.offline, self.heartbeat)
            for id_ in super().shard_states()
        }


@dataclass(frozen=True, slots=True)
class Watched:
    model: WatchedModel
    queue: GenerationQueue
    bot: ConnectedBot
    parts: Started
    at: Address

    async def scrape(self) -> dict[str, float]:
        """Return every sample by its name and the value of its label."""
        status, text = await self.get("/metrics")
        assert status == 200
        return {
            ":".join((sample.name, *sample.labels.values())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.get(f"http://{self.at.host}:{self.at.port}{path}") as response,
        ):
            return response.status, await response.text()


@asynccontextmanager
async def a_watched_bot() -> AsyncIterator[Watched]:
    model, instruments = WatchedModel(stepwise=True), Instruments()
    queue = GenerationQueue(
        model,
        Limits(max_waiting=4, max_running=1, per_person=2, deadline=60),
        on_first_token=instruments.first_token.observe,
    )
    async with opened(IN_MEMORY) as database, queue:
        services = Services(queue, Encodings(), Runs(database, days=30))
        bot = ConnectedBot(services, on_acknowledged=instruments.acknowledgement.observe)
        parts = Started(cast("Any", model), queue, services, instruments)
        at = Address("127.0.0.1", unused_port())
        async with bot, monitored(sources(bot, parts), at):
            yield Watched(model, queue, bot, parts, at)
