"""People who keep the model busy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.fakes.discord import Channel, FakeDiscord, Person
from tests.promises.monitor import Watch

AGAIN = 0.3  # seconds until somebody who was refused asks again
SAMPLED = 0.5  # seconds between two looks at the queue


@dataclass(eq=False)
class Busy:
    """How often the model was looked at, and found with every slot taken."""

    looks: int = 0
    full: int = 0
    slots: int = 8

    @property
    def share(self) -> float:
        return self.full / self.looks if self.looks else 0.0

    async def look(self, watch: Watch) -> None:
        while True:
            running = (await watch.metrics())["tokenwise_queue_requests{running}"]
            self.looks += 1
            self.full += running >= self.slots
            await asyncio.sleep(SAMPLED)


@asynccontextmanager
async def saturated(discord: FakeDiscord, watch: Watch, *, writers: int) -> AsyncIterator[Busy]:
    """So many people let the model write 256 tokens each, again and again, for as long as the block lasts."""
    channel, busy = discord.channel(guild=discord.guild("writers")), Busy()
    people = [discord.person(f"writer-{number}") for number in range(writers)]
    async with beside(busy.look(watch), *(_write(discord, person, channel) for person in people)):
        yield busy


async def _write(discord: FakeDiscord, person: Person, channel: Channel) -> None:
    while True:
        asked = discord.slash(person, channel, "complete", prompt="Once upon a time", max_tokens=256)
        await asked.settled(patience=600)
        await asyncio.sleep(AGAIN)


@asynccontextmanager
async def beside(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """All of ``work`` meanwhile, ended with it; what fails of it fails the block."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one) for one in work]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
