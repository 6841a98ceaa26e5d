"""The resources that a running bot uses, and the metrics it exports."""

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
class Usage:
    """Resources of the bot's process, and ``worker_memory``; memory in bytes.

    Memory is private to the processes. Shared pages, such as those of libraries, are not
    counted: whether they are shared depends on what else runs on the machine.
    """

    memory: int
    worker_memory: int
    descriptors: int
    threads: int
    tasks: int


@dataclass(frozen=True, slots=True)
class Monitor:
    """One bot's process and the port of its metrics."""

    pid: int
    port: int
    session: aiohttp.ClientSession

    @classmethod
    @asynccontextmanager
    async def on(cls, pid: int, port: int) -> AsyncIterator[Monitor]:
        async with aiohttp.ClientSession() as session:
            yield cls(pid, port, session)

    async def metrics(self) -> Metrics:
        """Each sample by its name and, in braces, the values of its labels."""
        async with self.session.get(f"http://127.0.0.1:{self.port}/metrics") as answer:
            text = await answer.text()
        return {
            sample.name
            + ("{" + ",".join(sample.labels.values()) + "}" if sample.labels else ""): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    async def ready(self, patience: float = 120.0) -> None:
        """Return once the bot reports that it is healthy."""
        async with asyncio.timeout(patience):
            while True:
                with suppress(aiohttp.ClientError):
                    async with self.session.get(f"http://127.0.0.1:{self.port}/health") as answer:
                        if answer.status == 200:
                            return
                await asyncio.sleep(0.1)

    async def usage(self) -> Usage:
        metrics = await self.metrics()
        return await asyncio.to_thread(self._usage, int(metrics["tokenwise_event_loop_tasks"]))

    def _usage(self, tasks: int) -> Usage:
        bot = psutil.Process(self.pid)
        return Usage(
            memory=_held(bot),
            worker_memory=sum(map(_held, bot.children())),
            descriptors=bot.num_fds(),
            threads=bot.num_threads(),
            tasks=tasks,
        )


def _held(process: psutil.Process) -> int:
    memory = process.memory_info()
    return int(memory.rss - memory.shared)
