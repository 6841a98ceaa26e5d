"""People who keep the model busy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.fakes.discord import Channel, FakeDiscord, Person
from tests.promises.monitor import Monitor

AGAIN = 0.3  # seconds until a person whose request ended makes another
SAMPLED = 0.5  # seconds between two samples of the queue


@dataclass(eq=False)
class Busy:
    """The number of samples of the queue, and of those with every slot busy."""

    samples: int = 0
    full: int = 0
    slots: int = 8

    @property
    def share(self) -> float:
        return self.full / self.samples if self.samples else 0.0

    async def sample(self, monitor: Monitor) -> None:
        while True:
            running = (await monitor.metrics())["tokenwise_queue_requests{running}"]
            self.samples += 1
            self.full += running >= self.slots
            await asyncio.sleep(SAMPLED)


@asynccontextmanager
async def saturated(discord: FakeDiscord, monitor: Monitor, *, writers: int) -> AsyncIterator[Busy]:
    """Let ``writers`` people request 256 tokens each, again and again, for as long as the block lasts."""
    channel, busy = discord.channel(guild=discord.guild("writers")), Busy()
    people = [discord.person(f"writer-{number}") for number in range(writers)]
    async with beside(busy.sample(monitor), *(_write(discord, person, channel) for person in people)):
        yield busy


async def _write(discord: FakeDiscord, person: Person, channel: Channel) -> None:
    while True:
        interaction = discord.slash(person, channel, "complete", prompt="Once upon a time", max_tokens=256)
        await interaction.settled(patience=600)
        await asyncio.sleep(AGAIN)


@asynccontextmanager
async def beside(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run ``work`` during the block and cancel it at the end; an error in it fails the block."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one) for one in work]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
