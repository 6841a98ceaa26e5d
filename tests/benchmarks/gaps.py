"""How long people wait for the next token: while a long prompt is read, and after a press.

    python -m tests.benchmarks.gaps [--shape gpt2-large] [--precision int8] [--rounds 5] [--json FILE]

Through the real worker process. In every round seven requests are decoding, and
a prompt of 900 tokens arrives. A gap is the time between two tokens of one of the
seven: *before* it arrived, and *while* it is read, which ends with its first
token; that one's time is taken too, beside the seven and alone. Then a text of 400
tokens is asked for one step as ``/next`` does, again with the token that came
(a press), and again with another seed (Re-roll): from the second time on the worker
finds what it has read in its prefix cache of 512 MiB. Printed are milliseconds.

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
SETTLED = 10  # tokens that each of the running has before their gaps count
STEADY = 40  # tokens that each has before the long prompt arrives
MOST_NEW_TOKENS = 400


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds; one of each a round, but for the gaps."""

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


class Asker:
    """Asks a worker for tokens and notes when they come."""

    def __init__(self, model: ModelProcess) -> None:
        self._model = model
        self._asked = 0

    async def tokens(self, ids: Sequence[int], count: int, came: list[float], generated: int = 0) -> int:
        """Ask for ``count`` tokens, noting in ``came`` when each came; the last one's id."""
        self._asked += 1
        # A seed of its own, so that nothing but the beginning is alike.
        params = SamplingParams(max_new_tokens=count, temperature=1.0, top_k=0, seed=self._asked)
        request = GenerationRequest(f"{self._asked}", tuple(ids), params, generated)
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
        asker = Asker(model)
        await asker.first(random_prompts(1, LONG_PROMPT)[0])
        for _ in range(rounds):
            await long_prompt(asker, times)
            await walk(asker, times)
    return times


async def long_prompt(asker: Asker, times: Times) -> None:
    """One long prompt beside the seven that run, another alone."""
    came: list[list[float]] = [[] for _ in range(RUNNING)]
    prompts = random_prompts(RUNNING, SHORT_PROMPT)
    async with asyncio.TaskGroup() as group:
        running = [
            group.create_task(asker.tokens(prompt, MOST_NEW_TOKENS, own))
            for prompt, own in zip(prompts, came, strict=True)
        ]
        while min(map(len, came)) < STEADY:  # noqa: ASYNC110 - the seven are not to spend time on it
            await asyncio.sleep(0.05)
        start = time.perf_counter()
        seconds, _ = await asker.first(random_prompts(1, LONG_PROMPT)[0])
        for task in running:
            task.cancel()
    times.first_beside.append(seconds)
    for own in came:
        for earlier, later in zip(own[SETTLED:], own[SETTLED + 1 :], strict=False):
            (times.before if later < start else times.during).append(later - earlier)
    times.first_alone.append((await asker.first(random_prompts(1, LONG_PROMPT)[0]))[0])


async def walk(asker: Asker, times: Times) -> None:
    """The steps of ``/next`` on a text that is new."""
    text = random_prompts(1, TEXT)[0]
    seconds, token_id = await asker.first(text)
    times.next_first.append(seconds)
    times.next_pressed.append((await asker.first([*text, token_id], generated=1))[0])
    times.next_rerolled.append((await asker.first(text))[0])


def report(times: Times) -> str:
    rows = [["", "number", "median, ms", "p99, ms", "most, ms"]]
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
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all times, in seconds, there too")
    parser.add_argument("--files", type=Path, metavar="FOLDER", help="keep the model for the next time")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
