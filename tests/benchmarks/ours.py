"""The bot's model worker, measured through its real protocol."""

from __future__ import annotations

import asyncio
import itertools
import time
from contextlib import aclosing
from pathlib import Path

from bot.model.client.process import ModelProcess, worker_command
from bot.model.protocol import GenerationRequest, SamplingParams, Stepped
from tests.benchmarks.limits import UNLIMITED, Limited
from tests.benchmarks.workload import TOGETHER, Figures, Precision, Prompts, measure

PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16", "int8")


def command(
    folder: Path, threads: int, precision: Precision, limited: Limited = UNLIMITED
) -> tuple[str, ...]:
    command = worker_command(str(folder), None, threads, TOGETHER, precision=precision)
    if limited.processor is None:
        return command
    # Also what it leaves to torch is limited.
    variables = (f"{name}={value}" for name, value in limited.variables().items())
    return ("env", *variables, *command, "--processor", limited.processor)


async def figures(folder: Path, threads: int, precision: Precision, limited: Limited) -> Figures:
    start = time.perf_counter()
    async with ModelProcess(command(folder, threads, precision, limited), name=folder.name) as model:
        await model.wait_ready()
        load = time.perf_counter() - start
        numbers = itertools.count()

        async def generate(prompts: Prompts, new_tokens: int) -> list[int]:
            runs = (request(model, next(numbers), prompt, new_tokens) for prompt in prompts)
            return await asyncio.gather(*runs)

        return await measure(generate, pid=model.pid or 0, load=load, threads=threads)


async def request(model: ModelProcess, number: int, prompt: list[int], new_tokens: int) -> int:
    """Run one request; return the number of its tokens."""
    params = SamplingParams(max_new_tokens=new_tokens, temperature=1.0, top_k=0, seed=number)
    async with aclosing(model.run(GenerationRequest(str(number), tuple(prompt), params))) as events:
        return sum([isinstance(event, Stepped) async for event in events])
