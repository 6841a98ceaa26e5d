"""Whether every request is accounted for, and everybody told once.

    python -m tests.promises.accounting [--requests 100000] [--seed 0]

People ask the real queue before the real model process, whose worker is the
scripted one: it says what can be foretold. They stop, leave and are refused at
random; deadlines pass; the worker is killed with SIGKILL at random, and now and
then by a poison request. It goes in rounds with limits of their own, each of
which ends by closing the queue in the middle.

The bars, to be kept exactly: accepted = finished + cancelled + expired +
failed, by the queue's accounts and by what people saw; whoever read on was told
one end and nothing after it; every token said is the one that the worker must
say, none left out or doubled; at the end of a round no request, slot or task is
left.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bot.errors import ModelLoading
from bot.model.client.process import ModelProcess
from bot.model.protocol import GenerationRequest, SamplingParams
from bot.queue.limits import Asker, Limits
from bot.queue.queue import GenerationQueue
from tests.promises.figures import parser, verdict
from tests.promises.requesters import Askers, Found
from tests.support.queues import queue_before
from tests.support.waiting import until

ROUND = 5_000  # requests
BETWEEN_DEATHS = 2_000  # accepted requests, at most
POISON = 0.0003
OUTCOMES = ("finished", "cancelled", "expired", "failed")


@dataclass(frozen=True, slots=True)
class Accounting:
    """``outcomes`` are by the queue's accounts, ``told`` by those who read on.

    ``wrong`` holds a sentence for everything that should not have been.
    """

    asked: int
    accepted: int
    refused: Counter[str]
    outcomes: Counter[str]
    told: Counter[str]
    left: int
    deaths: int
    seconds: float
    wrong: tuple[str, ...]

    @property
    def kept(self) -> bool:
        """Also that it was put to the test: with workers killed, refusals, and every end there is."""
        ends = [self.outcomes[name] for name in OUTCOMES]
        return (
            not self.wrong
            and self.accepted == sum(ends)
            and min(ends) > 0
            and self.deaths > 0
            and self.refused.total() > 0
        )


async def measure(
    requests: int, seed: int, *, per_round: int = ROUND, between_deaths: int = BETWEEN_DEATHS
) -> Accounting:
    """Let people ask so many times in all."""
    rng = random.Random(seed)
    began = time.monotonic()
    total = Found()
    accepted, outcomes = 0, Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        async with a_model(Path(folder)) as model:
            await _refused_while_loading(model, total)
            await model.wait_ready()
            reaper = Reaper(model, rng, between_deaths)
            for start in range(0, requests, per_round):
                queue = await _round(model, rng, min(per_round, requests - start), total, reaper)
                accepted += queue.counts.admitted
                outcomes.update({name: getattr(queue.counts, name) for name in OUTCOMES})
    return Accounting(
        total.asked,
        accepted,
        total.refused,
        outcomes,
        total.told,
        total.left,
        reaper.deaths,
        time.monotonic() - began,
        tuple(total.wrong),
    )


def a_model(folder: Path) -> ModelProcess:
    script = json.dumps([{"step_seconds": 0.0}])
    command = [sys.executable, "-m", "tests.fakes.scripted_worker", str(folder / "journal"), script]
    return ModelProcess(command, name="scripted", pause=0.01)


async def _refused_while_loading(model: ModelProcess, total: Found) -> None:
    request = GenerationRequest("early", (1,), SamplingParams())
    async with GenerationQueue(
        model, Limits(max_waiting=1, max_running=1, per_person=1, deadline=60)
    ) as queue:
        try:
            async with queue.stream(request, asker=Asker(1, None)):
                total.wrong.append("a model that still loads was asked")
        except ModelLoading:
            total.refused["ModelLoading"] += 1
            total.asked += 1


async def _round(
    model: ModelProcess, rng: random.Random, requests: int, total: Found, reaper: Reaper
) -> GenerationQueue:
    """One queue from its opening to its close in the middle, and whether anything is left of it."""
    before = asyncio.all_tasks()
    queue = queue_before(model, **_limits(rng))
    askers = Askers(queue, rng, poison=POISON)
    closing_at = requests - rng.randint(0, requests // 20)
    async with queue, reaper.at_work(queue):
        asking = asyncio.create_task(askers.ask(requests))
        await until(lambda: askers.found.asked >= closing_at, patience=600)
        await queue.close(patience=rng.choice((0.0, 0.05)))
        await asking
        _check(queue, askers.found)
    await until(lambda: not model._roster._runs)
    names = {task.get_name() for task in asyncio.all_tasks() - before}
    if left := {name for name in names if not name.startswith("model worker")}:  # each worker has its own
        askers.found.wrong.append(f"tasks are left: {left}")
    _add(total, askers.found)
    return queue


class Reaper:
    """Kills the worker each time that some more requests, ``at_most`` so many, were accepted."""

    def __init__(self, model: ModelProcess, rng: random.Random, at_most: int) -> None:
        self.deaths = 0
        self._model = model
        self._rng = rng
        self._at_most = at_most

    @asynccontextmanager
    async def at_work(self, queue: GenerationQueue) -> AsyncIterator[None]:
        killing = asyncio.create_task(self._kill(queue))
        try:
            yield
        finally:
            killing.cancel()
            await asyncio.wait({killing})
        if not killing.cancelled():
            killing.result()

    async def _kill(self, queue: GenerationQueue) -> None:
        while True:
            due = queue.counts.admitted + self._rng.randint(1, self._at_most)
            await until(partial(_have_begun, queue, due), patience=600)
            if self._model.pid is not None:
                with suppress(ProcessLookupError):  # it is dead already
                    os.kill(self._model.pid, signal.SIGKILL)
                    self.deaths += 1


def _have_begun(queue: GenerationQueue, requests: int) -> bool:
    return queue.counts.admitted >= requests


def _limits(rng: random.Random) -> dict[str, Any]:
    return {
        "max_running": rng.randint(1, 8),
        "max_waiting": rng.randint(6, 60),
        "per_person": rng.choice((1, 2, 2, 2)),
        "per_server": rng.choice((None, None, 8, 20)),
        "person_cooldown": rng.choice((0.0, 0.0, 0.003)),
        "server_cooldown": rng.choice((0.0, 0.0, 0.001)),
        "deadline": rng.choice((0.1, 0.5, 60.0, 60.0)),
        "pace": rng.choice((0.0, 0.0, 0.005)),
    }


def _check(queue: GenerationQueue, found: Found) -> None:
    counts = queue.counts
    by_queue = Counter({name: getattr(counts, name) for name in OUTCOMES})
    if counts.admitted != by_queue.total():
        found.wrong.append(f"{counts.admitted} were accepted, and {by_queue} became of them")
    if by_queue != found.outcomes:
        found.wrong.append(f"{by_queue} in the accounts, and {found.outcomes} of the streams")
    if counts.refused != found.refused:
        found.wrong.append(f"{counts.refused} were refused, and {found.refused} were told so")
    if counts.admitted != found.told.total() + found.left:
        found.wrong.append(f"{counts.admitted} accepted, {found.told} told, {found.left} left")
    if (queue.load.running, queue.load.waiting, len(queue._tickets)) != (0, 0, 0):
        found.wrong.append(f"{queue.load} at the end")


def _add(total: Found, found: Found) -> None:
    total.asked += found.asked
    total.left += found.left
    total.refused += found.refused
    total.outcomes += found.outcomes
    total.told += found.told
    total.wrong += found.wrong


def report(measured: Accounting) -> int:
    refused = ", ".join(f"{count:,} {name}" for name, count in measured.refused.most_common())
    outcomes = " + ".join(f"{measured.outcomes[name]:,} {name}" for name in OUTCOMES)
    told = " + ".join(f"{measured.told[name]:,} {name}" for name in OUTCOMES)
    print(
        f"asked      {measured.asked:,} times in {measured.seconds:.0f} s; {measured.deaths} workers killed"
    )
    print(f"refused    {measured.refused.total():,}: {refused}")
    print(f"accepted   {measured.accepted:,} = {outcomes}")
    print(f"told once  {measured.told.total():,} = {told}; {measured.left:,} had left")
    for sentence in measured.wrong[:20]:
        print(f"    {sentence}")
    print(f"wrong      {len(measured.wrong)}")
    return verdict("accepted is the sum of all ends, each told once; every end occurred", kept=measured.kept)


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--requests", type=int, default=100_000, help="how many (default: 100,000)")
    arguments.add_argument("--seed", type=int, default=0, help="of what people do (default: 0)")
    options = arguments.parse_args()
    logging.basicConfig(level="ERROR")
    return report(asyncio.run(measure(options.requests, options.seed)))


if __name__ == "__main__":
    raise SystemExit(main())
