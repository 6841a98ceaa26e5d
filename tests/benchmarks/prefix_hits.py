"""How often a text finds its beginning on the replica that gets it.

    python -m tests.benchmarks.prefix_hits [--replicas 1 2 4] [--people 24] [--rounds 6]

Each person has a text written, then goes on with it as on Discord: walks, continues, rolls it
again, with a pause after each. Replicas of the demo model write them, on a cluster of Ray on
loopback; their workers note how much of each prompt they had read before. The program prints
the share of such requests whose prompt their worker knew, and the seconds to the first token:
with the replica that has the prefix asked for, and with any replica asked.
"""

from __future__ import annotations

import asyncio
import logging
import random
import runpy
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter
from unittest.mock import patch

from yarl import URL

from bot.model.client.process import worker_command
from bot.model.protocol import GenerationRequest, SamplingParams, Stepped
from bot.model.remote.replicas import Replicas
from bot.model.remote.service import ModelService
from bot.settings import DEMO_MODEL
from tests.benchmarks.report import table
from tests.benchmarks.workload import LARGEST_ID
from tests.promises.cluster.machines import machines
from tests.promises.figures import parser

TOGETHER = 8  # texts that a replica writes at once
PROMPT, STEPS = 128, 16  # tokens
PAUSE = 1.0  # seconds, at most, that a person reads
CACHE = 256  # MiB for prefixes in each worker


@dataclass(slots=True)
class Share:
    """Of ``asked`` requests that go on with a text, how many prompts were ``known``; ``firsts``: seconds."""

    asked: int = 0
    known: int = 0
    firsts: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{100 * self.known / self.asked:.0f} % of {self.asked}, {1000 * median(self.firsts):.0f} ms"


async def measure(address: URL, notes: Path, *, people: int, rounds: int, seed: int) -> Share:
    share = Share()
    before = len(_read(notes))
    async with ModelService(address, None) as model:
        await model.wait_ready()
        model.forget()
        await asyncio.gather(
            *(_person(model, share, random.Random(1000 * seed + number), rounds) for number in range(people))
        )
    # The first request of each person has nothing to find.
    share.known = sum(length >= PROMPT - 1 for length in _read(notes)[before:])
    return share


def _read(notes: Path) -> list[int]:
    """How much of each prompt so far was known."""
    return [int(line) for line in notes.read_text().splitlines()]


async def _person(model: ModelService, share: Share, chance: random.Random, rounds: int) -> None:
    """Ask for a text, and go on with it so often."""
    prompt = tuple(chance.randrange(LARGEST_ID) for _ in range(PROMPT))
    written = await _ask(model, prompt, 0, STEPS, seed=0, name=f"{prompt[:3]} first")
    for number in range(rounds):
        await asyncio.sleep(chance.uniform(0.0, PAUSE))
        kind = chance.choice(("walk", "continue", "again"))
        kept = () if kind == "again" else tuple(written)
        began = perf_counter()
        first: list[float] = []
        more = await _ask(
            model,
            prompt + kept,
            len(kept),
            1 if kind == "walk" else STEPS,
            seed=number if kind == "again" else 0,
            name=f"{prompt[:3]} {number}",
            first=first,
        )
        written = [*kept, *more]
        share.asked += 1
        share.firsts.append(first[0] - began)


async def _ask(
    model: ModelService,
    ids: tuple[int, ...],
    generated: int,
    steps: int,
    *,
    seed: int,
    name: str,
    first: list[float] | None = None,
) -> list[int]:
    """The token ids that are written; when the first came is added to ``first``."""
    params = SamplingParams(max_new_tokens=steps, temperature=1.0, seed=seed)
    said: list[int] = []
    async with aclosing(model.run(GenerationRequest(name, ids, params, generated))) as events:
        async for event in events:
            if isinstance(event, Stepped):
                said.append(event.step.chosen.token_id)
                if first is not None:
                    first.append(perf_counter())
    return said


@contextmanager
def anywhere() -> Iterator[None]:
    """No replica is asked for."""
    with patch.object(Replicas, "holder", lambda self, prefix: ""):
        yield


def noting(notes: Path) -> None:
    """Have this worker note in a line of ``notes`` how much of each prompt it knew."""
    from bot.model.gpt2.kv_cache import KVCache
    from bot.model.worker.prefix_cache import PrefixCache

    recall = PrefixCache.recall

    def noted(prefixes: PrefixCache, ids: Sequence[int], cache: KVCache) -> None:
        recall(prefixes, ids, cache)
        with notes.open("a") as file:
            file.write(f"{cache.length}\n")

    patch.object(PrefixCache, "recall", noted).start()


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--replicas", type=int, nargs="+", default=[1, 2, 4])
    arguments.add_argument("--people", type=int, default=24)
    arguments.add_argument("--rounds", type=int, default=6)
    options = arguments.parse_args()
    logging.basicConfig(level="ERROR")
    rows = [["replicas", "known, first token: by name", "any replica"]]
    for count in options.replicas:
        with tempfile.TemporaryDirectory() as folder:
            notes = Path(folder) / "notes"
            notes.touch()
            worker = worker_command(DEMO_MODEL, None, 1, TOGETHER, prefix_cache=CACHE)
            command = [
                sys.executable,
                "-m",
                "tests.benchmarks.prefix_hits",
                "worker",
                str(notes),
                *worker[3:],
            ]
            with machines(count, command, texts=TOGETHER) as running:
                crowd = {"people": options.people, "rounds": options.rounds}
                named = asyncio.run(measure(running.address, notes, **crowd, seed=0))
                with anywhere():
                    other = asyncio.run(measure(running.address, notes, **crowd, seed=1))
        rows.append([str(count), str(named), str(other)])
    print(table(rows))
    return 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["worker"]:
        noting(Path(sys.argv[2]))
        del sys.argv[1:3]
        runpy.run_module("bot.model.worker", run_name="__main__")
    else:
        raise SystemExit(main())
