"""What it costs that the model is asked over HTTP: the worker by a pipe beside the same worker as a service.

    python -m tests.benchmarks.distance [--shape gpt2-large] [--precision float32] [--texts 1 8 32]
                                        [--tries 6] [--tokens 64] [--rate 8] [--files FOLDER]

A random model of GPT-2's shape is loaded twice: by a worker of the program's own, and by the
one replica of a Ray cluster of one machine, behind Serve's proxy. They take turns at the same
texts, which come as people's do, at any time, so many a second. The program prints tokens/s, the
seconds to the first token and what one took more than the other, as medians of all tries; and
where the processor's time went while the service wrote.

Each worker leaves one core to Ray and the bot, which have machines of their own in a cluster.
With ``--threads`` as many as there are cores, the worker's time also goes to them.

The bars: at least 0.97 times the worker's tokens/s, at most 15 ms more to the first token.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import median
from typing import get_args

import psutil
from yarl import URL

from bot.model.client.process import ModelProcess, worker_command
from bot.model.cores import usable_cores
from bot.model.protocol import GenerationRequest, SamplingParams, Stepped
from bot.model.remote.service import ModelService
from bot.quoting import plural
from tests.benchmarks.models import SHAPES, random_model
from tests.benchmarks.report import spread, table
from tests.benchmarks.workload import PROMPT_TOKENS, Precision, random_prompts
from tests.promises.cluster.machines import machines
from tests.promises.figures import parser, verdict

Model = ModelProcess | ModelService

PART, MORE = 0.97, 0.015  # of the worker's tokens/s at least; seconds more to the first token at most
MOST = 32  # texts together
FEWEST = 4  # in as many tries as are given; with fewer texts there are more tries

#: By what the command line of each process has.
_PARTS = {
    "worker": "bot.model.worker",
    "replica": "ray::ServeReplica",
    "proxy": "ray::ProxyActor",
    "controller": "ray::ServeController",
    "raylet": "/raylet",
    "gcs": "gcs_server",
}


@dataclass(frozen=True, slots=True)
class Try:
    """Tokens a second of all texts, the median of the seconds to their first tokens, and the seconds."""

    speed: float
    first: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Both:
    """The tries by the ``pipe`` and through the ``service``, in pairs, with so many ``texts`` together.

    ``spent`` has the seconds of processor time that each part of the service took in all of them.
    """

    texts: int
    pipe: list[Try] = field(default_factory=list)
    service: list[Try] = field(default_factory=list)
    spent: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    @property
    def ratios(self) -> list[float]:
        return [far.speed / near.speed for near, far in zip(self.pipe, self.service, strict=True)]

    @property
    def more(self) -> list[float]:
        """Milliseconds more to the first token."""
        return [1000 * (far.first - near.first) for near, far in zip(self.pipe, self.service, strict=True)]

    @property
    def kept(self) -> bool:
        return median(self.ratios) >= PART and median(self.more) <= 1000 * MORE


async def one_try(model: Model, name: str, texts: int, tokens: int, rate: float) -> Try:
    began = time.perf_counter()
    prompts = random_prompts(texts, PROMPT_TOKENS)
    moments = Random(name)  # the same for both models
    asked = [
        _text(model, f"{name} {number}", prompt, tokens, moments.uniform(0, (texts - 1) / rate))
        for number, prompt in enumerate(prompts)
    ]
    firsts = await asyncio.gather(*asked)
    took = time.perf_counter() - began
    return Try(texts * tokens / took, median(firsts), took)


async def _text(model: Model, name: str, prompt: list[int], tokens: int, moment: float) -> float:
    """Have a text written, after ``moment`` seconds; the seconds from then to its first token."""
    params = SamplingParams(max_new_tokens=tokens, temperature=1.0, top_k=0, seed=1)
    await asyncio.sleep(moment)
    began, first, steps = time.perf_counter(), 0.0, 0
    async with aclosing(model.run(GenerationRequest(name, tuple(prompt), params))) as events:
        async for event in events:
            first = first or time.perf_counter()
            steps += isinstance(event, Stepped)
    assert steps == tokens, f"{steps} tokens instead of {tokens}"
    return first - began


async def measure(
    near: ModelProcess, far: ModelService, texts: Sequence[int], *, tries: int, tokens: int, rate: float
) -> list[Both]:
    """Have ``near`` and ``far`` take turns; each begins every other time."""
    await near.wait_ready()
    await far.wait_ready()
    measured = [Both(count) for count in texts]
    for number in range(-1, tries * FEWEST):  # the first is not counted: kernels are prepared when first used
        for both in measured:
            if number >= tries * max(1, FEWEST // both.texts):
                continue
            name = f"{both.texts} {number}"
            if number % 2:
                one, before = await one_try(near, name, both.texts, tokens, rate), spent(near)
                other = await one_try(far, name, both.texts, tokens, rate)
                after = spent(near)
            else:
                before = spent(near)
                other = await one_try(far, name, both.texts, tokens, rate)
                after = spent(near)
                one = await one_try(near, name, both.texts, tokens, rate)
            if number >= 0:
                both.pipe.append(one)
                both.service.append(other)
                for part in after:
                    both.spent[part] += after[part] - before[part]
    return measured


def spent(near: ModelProcess) -> defaultdict[str, float]:
    """The processor's seconds so far, by part of the service; ``near``'s worker is none."""
    seconds: defaultdict[str, float] = defaultdict(float)
    this = psutil.Process()
    for process in [this, *this.children(recursive=True)]:
        try:
            if process.pid != near.pid:
                times = process.cpu_times()
                seconds[_part(process)] += times.user + times.system
        except psutil.Error:  # it has just ended
            continue
    return seconds


def _part(process: psutil.Process) -> str:
    if process.pid == psutil.Process().pid:
        return "bot"
    title = " ".join(process.cmdline())
    return next((part for part, marks in _PARTS.items() if marks in title), "others of Ray")


def report(measured: Sequence[Both], heading: str) -> int:
    rows = [["texts", "pipe, tokens/s", "service, tokens/s", "ratio", "first token, s", "ms more"]]
    for both in measured:
        columns = (
            [one.speed for one in both.pipe],
            [one.speed for one in both.service],
            both.ratios,
            [one.first for one in both.pipe],
            both.more,
        )
        rows.append([str(both.texts), *map(spread, columns)])
    print(f"{heading}: median (min to max) of the tries\n\n{table(rows)}\n")
    for both in measured:
        seconds = sum(one.seconds for one in both.service)
        most_first = sorted(both.spent.items(), key=lambda one: -one[1])
        parts = ", ".join(f"{part} {100 * own / seconds:.1f}" for part, own in most_first if own)
        print(f"{both.texts} texts, % of a core through the service: {parts}")
    print()
    bar = f"at least {PART} times the worker's tokens/s, at most {1000 * MORE:.0f} ms more to the first token"
    return verdict(bar, kept=all(both.kept for both in measured))


async def run(
    address: URL, command: Sequence[str], texts: Sequence[int], tries: int, tokens: int, rate: float
) -> list[Both]:
    async with ModelProcess(command, name="the worker") as near, ModelService(address, None) as far:
        return await measure(near, far, texts, tries=tries, tokens=tokens, rate=rate)


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--shape", choices=SHAPES, default="gpt2-large")
    arguments.add_argument("--precision", choices=get_args(Precision), default="float32")
    arguments.add_argument("--texts", type=int, nargs="+", default=[1, 8, MOST], help="at most 32 together")
    arguments.add_argument("--tries", type=int, default=6, help="more with few texts")
    arguments.add_argument("--tokens", type=int, default=64)
    arguments.add_argument("--threads", type=int, default=max(1, usable_cores() - 1), help="of each worker")
    arguments.add_argument("--rate", type=float, default=8.0, help="of the texts, a second")
    arguments.add_argument(
        "--files", type=Path, metavar="FOLDER", help="keep the models here for the next run"
    )
    options = arguments.parse_args()
    logging.basicConfig(level="ERROR")
    with tempfile.TemporaryDirectory() as temporary:
        folder = random_model(options.shape, options.files or Path(temporary))
        command = worker_command(
            str(folder),
            None,
            options.threads,
            MOST,
            precision=options.precision,
            cache_dir=folder.with_name(f"worker-{folder.name}"),
        )
        with machines(0, command, texts=MOST) as running:
            measuring = run(
                running.address, command, options.texts, options.tries, options.tokens, options.rate
            )
            measured = asyncio.run(measuring)
    return report(measured, f"{options.shape}, {options.precision}, {plural(options.threads, 'thread')}")


if __name__ == "__main__":
    raise SystemExit(main())
