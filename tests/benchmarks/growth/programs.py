"""The programs, each in a process of its own: our worker through its real protocol, and the peers."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import cast

from bot.model.client.process import ModelProcess, worker_command
from bot.model.protocol import GenerationRequest, SamplingParams, Stepped
from tests.benchmarks import peers
from tests.benchmarks.growth.cells import Cell, Point, measure
from tests.benchmarks.workload import OURS, Precision, Prompts

#: Those that can say when each token came.
PEERS = ("llama_cpp", "generate")


async def points(
    name: str, model: Path, files: Path, precision: Precision, threads: int, cells: Sequence[Cell]
) -> list[Point]:
    """The figures of each of ``cells``; PeerFailed or ModelUnusable if there are none."""
    if name == OURS:
        return await _ours(model, precision, threads, cells)
    command = (
        *(sys.executable, "-m", __name__, name, str(model), str(peers.converted(name, model, files))),
        *("--precision", precision, "--threads", str(threads), "--cells", *map(str, cells)),
    )
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    if process.returncode != 0:
        raise peers.PeerFailed(f"{name} ended with {process.returncode}")
    return [Point(**figures) for figures in json.loads(output.decode().rstrip().rpartition("\n")[2])]


async def _ours(model: Path, precision: Precision, threads: int, cells: Sequence[Cell]) -> list[Point]:
    together = max(cell.texts for cell in cells)
    command = worker_command(str(model), None, threads, together, precision=precision)
    async with ModelProcess(command, name=model.name) as worker:
        await worker.wait_ready()
        numbers = count()

        async def times(prompt: Sequence[int], new_tokens: int) -> list[float]:
            number = next(numbers)
            params = SamplingParams(max_new_tokens=new_tokens, temperature=1.0, top_k=0, seed=number)
            async with aclosing(worker.run(GenerationRequest(str(number), tuple(prompt), params))) as events:
                return [time.perf_counter() async for event in events if isinstance(event, Stepped)]

        async def clocked(prompts: Prompts, new_tokens: int) -> list[list[float]]:
            return await asyncio.gather(*(times(prompt, new_tokens) for prompt in prompts))

        return await measure(clocked, cells, pid=worker.pid or 0)


def main() -> None:
    """A peer's process: prints the figures of its cells as one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("model", type=Path)
    parser.add_argument("files", type=Path)
    parser.add_argument("--precision", required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--cells", type=Cell.parsed, nargs="+", required=True)
    options = parser.parse_args()
    loaded = peers.peer(options.peer).load(options.model, options.files, options.precision, options.threads)
    engine = cast("peers.ClockedEngine", loaded)

    async def clocked(prompts: Prompts, new_tokens: int) -> list[list[float]]:
        times: list[float] = []
        engine.generate(prompts, new_tokens, lambda: times.append(time.perf_counter()))
        return [times] * len(prompts)  # one step gives each text its token

    found = asyncio.run(measure(clocked, options.cells, pid=os.getpid()))
    print(json.dumps([asdict(point) for point in found]))


if __name__ == "__main__":
    main()
