"""The bot's model worker, measured through its real protocol."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bot.model.cache.packed_files import PackedFiles
from bot.model.checkpoint.digests import Digests
from bot.model.checkpoint.find import find
from bot.model.client.process import ModelProcess, worker_command
from bot.model.kernels.processor import this_processor
from bot.model.protocol import GenerationRequest, SamplingParams, Stepped
from tests.benchmarks.limits import UNLIMITED, Limited
from tests.benchmarks.workload import (
    OURS,
    PROMPT_TOKENS,
    TOGETHER,
    Precision,
    PrivateMemory,
    Program,
    Prompts,
    into_page_cache,
    random_prompts,
)

#: Those in which it is compared with itself in float32.
OTHER_PRECISIONS: tuple[Precision, ...] = ("bfloat16", "int8")


def command(
    folder: Path, threads: int, precision: Precision, limited: Limited = UNLIMITED
) -> tuple[str, ...]:
    command = worker_command(
        str(folder), None, threads, TOGETHER, precision=precision, cache_dir=_kept(folder)
    )
    if limited.processor is None:
        return command
    # Also what it leaves to torch is limited.
    variables = (f"{name}={value}" for name, value in limited.variables().items())
    return ("env", *variables, *command, "--processor", limited.processor)


async def prepare(folder: Path, threads: int, precision: Precision, limited: Limited) -> None:
    """Start it once, so that it keeps what later starts read."""
    kept = _packed(folder, precision, limited)
    if kept is None or kept.exists():
        return
    async with ModelProcess(command(folder, threads, precision, limited), name=folder.name) as model:
        await model.wait_ready()
        while not kept.exists():  # noqa: ASYNC110 - another process makes it
            await asyncio.sleep(0.1)


@asynccontextmanager
async def started(
    folder: Path, threads: int, precision: Precision, limited: Limited
) -> AsyncIterator[Program]:
    """The worker, from its start on; it ends with the block."""
    kept = _packed(folder, precision, limited)
    read = [kept] if kept else []
    await asyncio.to_thread(into_page_cache, read)
    now = time.monotonic()
    async with ModelProcess(command(folder, threads, precision, limited), name=folder.name) as model:
        await model.launched()
        yield Worker(model, now, PrivateMemory(model.pid or 0), read)


@dataclass(eq=False)
class Worker:
    """The bot's own program among those that are measured; each start reads the files ``read``."""

    model: ModelProcess
    started: float
    loading: PrivateMemory
    read: Sequence[Path]
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def pid(self) -> int:
        return self.model.pid or 0

    async def generate(self, prompts: Prompts, new_tokens: int) -> list[int]:
        runs = (request(self.model, next(self._numbers), prompt, new_tokens) for prompt in prompts)
        return await asyncio.gather(*runs)

    async def again(self) -> float:
        await asyncio.to_thread(into_page_cache, self.read)
        killed = time.monotonic()
        os.kill(self.pid, signal.SIGKILL)
        await self.generate(random_prompts(1, PROMPT_TOKENS), 1)
        return time.monotonic() - killed


def _packed(folder: Path, precision: Precision, limited: Limited) -> Path | None:
    """The file that :func:`prepare` makes and each start reads; None if none is kept."""
    digests = Digests(_kept(folder))  # the worker's own, so the weights are not read again for each start
    identity = find(str(folder), revision=None, report=lambda progress: None, digests=digests).identity
    return PackedFiles(_kept(folder)).path(identity, precision, this_processor(limited.processor))


def _kept(folder: Path) -> Path:
    """Where the worker keeps what it packed, beside what peers converted."""
    return folder.with_name(f"{OURS}-{folder.name}")


async def request(model: ModelProcess, number: int, prompt: list[int], new_tokens: int) -> int:
    """Run one request; return the number of its tokens."""
    params = SamplingParams(max_new_tokens=new_tokens, temperature=1.0, top_k=0, seed=number)
    async with aclosing(model.run(GenerationRequest(str(number), tuple(prompt), params))) as events:
        return sum([isinstance(event, Stepped) async for event in events])
