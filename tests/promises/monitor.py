"""What a running bot takes of the machine, and what it says of itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import aiohttp
import psutil
from prometheus_client.parser import text_string_to_metric_families

Metrics = dict[str, float]


@dataclass(frozen=True, slots=True)
class Taken:
    """``memory`` of the bot and ``worker_memory`` in bytes; the rest of the bot.

    Memory is what the processes hold themselves. Pages of files, such as the libraries',
    are not counted: whose they are depends on what else runs on the machine.
    """

    memory: int
    worker_memory: int
    descriptors: int
    threads: int
    tasks: int


@dataclass(frozen=True, slots=True)
class Watch:
    """One bot's process and its metrics' port."""

    pid: int
    port: int
    session: aiohttp.ClientSession

    @classmethod
    @asynccontextmanager
    async def on(cls, pid: int, port: int) -> AsyncIterator[Watch]:
        async with aiohttp.ClientSession() as session:
            yield cls(pid, port, session)

    async def metrics(self) -> Metrics:
        """Each sample by its name and, in braces, its labels' values."""
        async with self.session.get(f"http://127.0.0.1:{self.port}/metrics") as answer:
            text = await answer.text()
        return {
            sample.name
            + ("{" + ",".join(sample.labels.values()) + "}" if sample.labels else ""): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    async def ready(self, patience: float = 120.0) -> None:
        """Return once the bot says that it is well."""
        async with asyncio.timeout(patience):
            while True:
                with suppress(aiohttp.ClientError):
                    async with self.session.get(f"http://127.0.0.1:{self.port}/health") as answer:
                        if answer.status == 200:
                            return
                await asyncio.sleep(0.1)

    async def taken(self) -> Taken:
        metrics = await self.metrics()
        return await asyncio.to_thread(self._taken, int(metrics["tokenwise_event_loop_tasks"]))

    def _taken(self, tasks: int) -> Taken:
        bot = psutil.Process(self.pid)
        return Taken(
            memory=_held(bot),
            worker_memory=sum(map(_held, bot.children())),
            descriptors=bot.num_fds(),
            threads=bot.num_threads(),
            tasks=tasks,
        )


def _held(process: psutil.Process) -> int:
    memory = process.memory_info()
    return int(memory.rss - memory.shared)
