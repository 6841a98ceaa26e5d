"""How long people wait for the next token while a long prompt is read, and after a press.

    python -m tests.benchmarks.gaps [--shape gpt2-large] [--precision int8] [--rounds 5] [--json FILE]

In every round seven requests are decoding in the real worker process when a prompt
of 900 tokens arrives. A gap is the time between two tokens of one of the seven,
before the prompt arrives or while it is read, that is, until its first token. The
time to that token is measured too, next to the seven and alone. Then ``/next`` is
imitated on a text of 400 tokens: one step, a step after the token that came (a
press), and one with another seed (Re-roll). The last two find the text in the
worker's prefix cache of 512 MiB. The program prints milliseconds.

By default the model is a random one of GPT-2 Large's shape.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import get_args

from bot.model.client.process import ModelProcess, worker_command
from bot.model.cores import usable_cores
from bot.model.model_info import Precision
from bot.model.protocol import GenerationRequest, SamplingParams, Stepped
from tests.benchmarks.models import SHAPES, linked_model, random_model
from tests.benchmarks.report import short, table
from tests.benchmarks.workload import random_prompts

RUNNING = 7
SHORT_PROMPT = 16
LONG_PROMPT = 900
TEXT = 400
PREFIX_CACHE = 512  # MiB
SETTLED = 10  # tokens of each running request before its gaps count
STEADY = 40  # tokens of each running request before the long prompt arrives
MOST_NEW_TOKENS = 400


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds; one value a round, except for the gaps."""

    before: list[float] = field(default_factory=list)
    during: list[float] = field(default_factory=list)
    first_beside: list[float] = field(default_factory=list)
    first_alone: list[float] = field(default_factory=list)
    next_first: list[float] = field(default_factory=list)
    next_pressed: list[float] = field(default_factory=list)
    next_rerolled: list[float] = field(default_factory=list)


LABELS = {
    "before": f"gap of {RUNNING} running",
    "during": f"gap while a prompt of {LONG_PROMPT} is read",
    "first_beside": "first token of that prompt",
    "first_alone": f"first token of a prompt of {LONG_PROMPT}, alone",
    "next_first": f"/next on {TEXT} tokens",
    "next_pressed": "after a press",
    "next_rerolled": "after Re-roll",
}


class Client:
    """Requests tokens from a worker and notes when they come."""

    def __init__(self, model: ModelProcess) -> None:
        self._model = model
        self._requests = 0

    async def tokens(self, ids: Sequence[int], count: int, came: list[float], generated: int = 0) -> int:
        """Request ``count`` tokens, append the time of each to ``came``, and return the last one's id."""
        self._requests += 1
        # A seed of its own, so that requests share nothing but a prefix.
        params = SamplingParams(max_new_tokens=count, temperature=1.0, top_k=0, seed=self._requests)
        request = GenerationRequest(f"{self._requests}", tuple(ids), params, generated)
        last = -1
        async with aclosing(self._model.run(request)) as events:
            async for event in events:
                if isinstance(event, Stepped):
                    came.append(time.perf_counter())
                    last = event.step.chosen.token_id
        return last

    async def first(self, ids: Sequence[int], generated: int = 0) -> tuple[float, int]:
        """Seconds until the first token, and its id."""
        came: list[float] = []
        start = time.perf_counter()
        token_id = await self.tokens(ids, 1, came, generated)
        return came[0] - start, token_id


async def measure(command: Sequence[str], rounds: int) -> Times:
    times = Times()
    async with ModelProcess(command, name="the model") as model:
        await model.wait_ready()
        client = Client(model)
        await client.first(random_prompts(1, LONG_PROMPT)[0])
        for _ in range(rounds):
            await long_prompt(client, times)
            await walk(client, times)
    return times


async def long_prompt(client: Client, times: Times) -> None:
    """Time one long prompt next to the running requests, and another alone."""
    came: list[list[float]] = [[] for _ in range(RUNNING)]
    prompts = random_prompts(RUNNING, SHORT_PROMPT)
    async with asyncio.TaskGroup() as group:
        running = [
            group.create_task(client.tokens(prompt, MOST_NEW_TOKENS, own))
            for prompt, own in zip(prompts, came, strict=True)
        ]
        while min(map(len, came)) < STEADY:  # noqa: ASYNC110 - an event would cost the requests time
            await asyncio.sleep(0.05)
        start = time.perf_counter()
        seconds, _ = await client.first(random_prompts(1, LONG_PROMPT)[0])
        for task in running:
            task.cancel()
    times.first_beside.append(seconds)
    for own in came:
        for earlier, later in zip(own[SETTLED:], own[SETTLED + 1 :], strict=False):
            (times.before if later < start else times.during).append(later - earlier)
    times.first_alone.append((await client.first(random_prompts(1, LONG_PROMPT)[0]))[0])


async def walk(client: Client, times: Times) -> None:
    """Time the steps of ``/next`` on a new text."""
    text = random_prompts(1, TEXT)[0]
    seconds, token_id = await client.first(text)
    times.next_first.append(seconds)
    times.next_pressed.append((await client.first([*text, token_id], generated=1))[0])
    times.next_rerolled.append((await client.first(text))[0])


def report(times: Times) -> str:
    rows = [["", "number", "median, ms", "p99, ms", "max, ms"]]
    for name, label in LABELS.items():
        values: list[float] = getattr(times, name)
        figures = (median(values), percentile(values, 99), max(values))
        rows.append([label, str(len(values)), *(short(1000 * figure) for figure in figures)])
    return table(rows)


def percentile(values: Sequence[float], percent: int) -> float:
    return quantiles(values, n=100, method="inclusive")[percent - 1] if len(values) > 1 else values[0]


def main() -> int:
    options = parse()
    found: dict[str, dict[str, list[float]]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        files = options.files or Path(temporary)
        model = linked_model(options.model, files) if options.model else random_model(options.shape, files)
        for precision in options.precision or ["float32"]:
            command = worker_command(
                str(model),
                None,
                options.threads,
                RUNNING + 1,
                precision=precision,
                prefix_cache=PREFIX_CACHE,
            )
            times = asyncio.run(measure(command, options.rounds))
            print(f"\n{model.name}, {precision}\n\n{report(times)}", flush=True)
            found[precision] = {name: getattr(times, name) for name in LABELS}
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")
    return 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shape", choices=SHAPES, default="gpt2-large", help="shape of the random model")
    parser.add_argument("--model", type=Path, help="a model's folder instead of a random one")
    parser.add_argument(
        "--precision", choices=get_args(Precision), action="append", help="can be repeated; default: float32"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=usable_cores())
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all times there, in seconds")
    parser.add_argument("--files", type=Path, metavar="FOLDER", help="keep the model here for the next run")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
