"""Whether every request is accounted for, and every requester gets exactly one outcome.

    python -m tests.promises.accounting [--requests 100000] [--seed 0]

The queue and the model process are the real ones; the worker is scripted, so its
tokens are predictable. Requesters stop, leave and are refused at random;
deadlines pass; the worker is killed with SIGKILL at random, and now and then by a
poison request. Each round has limits of its own and ends by closing the queue
while requests are running.

The bars, to be met exactly: accepted = finished + cancelled + expired + failed,
both in the queue's accounts and as requesters saw it; everyone who keeps reading
gets one outcome and nothing after it; every token is the one that the worker must
write, none missing or repeated; after a round no request, slot or task is left.
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
from tests.promises.requesters import Observed, Requesters
from tests.support.queues import queue_before
from tests.support.waiting import until

ROUND = 5_000  # requests
BETWEEN_KILLS = 2_000  # accepted requests, at most
POISON = 0.0003
OUTCOMES = ("finished", "cancelled", "expired", "failed")


@dataclass(frozen=True, slots=True)
class Accounting:
    """``outcomes`` is what the queue counted, ``delivered`` what requesters saw who read to the end.

    ``wrong`` holds a sentence for each thing that should not have happened.
    """

    requested: int
    accepted: int
    refused: Counter[str]
    outcomes: Counter[str]
    delivered: Counter[str]
    left: int
    kills: int
    seconds: float
    wrong: tuple[str, ...]

    @property
    def kept(self) -> bool:
        """Whether nothing went wrong although workers were killed and every outcome occurred."""
        ends = [self.outcomes[name] for name in OUTCOMES]
        return (
            not self.wrong
            and self.accepted == sum(ends)
            and min(ends) > 0
            and self.kills > 0
            and self.refused.total() > 0
        )


async def measure(
    requests: int, seed: int, *, per_round: int = ROUND, between_kills: int = BETWEEN_KILLS
) -> Accounting:
    """Make ``requests`` requests in all."""
    rng = random.Random(seed)
    began = time.monotonic()
    total = Observed()
    accepted, outcomes = 0, Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        async with a_model(Path(folder)) as model:
            await _refused_while_loading(model, total)
            await model.wait_ready()
            reaper = Reaper(model, rng, between_kills)
            for start in range(0, requests, per_round):
                queue = await _round(model, rng, min(per_round, requests - start), total, reaper)
                accepted += queue.counts.admitted
                outcomes.update({name: getattr(queue.counts, name) for name in OUTCOMES})
    return Accounting(
        total.requested,
        accepted,
        total.refused,
        outcomes,
        total.delivered,
        total.left,
        reaper.kills,
        time.monotonic() - began,
        tuple(total.wrong),
    )


def a_model(folder: Path) -> ModelProcess:
    script = json.dumps([{"step_seconds": 0.0}])
    command = [sys.executable, "-m", "tests.fakes.scripted_worker", str(folder / "journal"), script]
    return ModelProcess(command, name="scripted", pause=0.01)


async def _refused_while_loading(model: ModelProcess, total: Observed) -> None:
    request = GenerationRequest("early", (1,), SamplingParams())
    async with GenerationQueue(
        model, Limits(max_waiting=1, max_running=1, per_person=1, deadline=60)
    ) as queue:
        try:
            async with queue.stream(request, asker=Asker(1, None)):
                total.wrong.append("a loading model accepted a request")
        except ModelLoading:
            total.refused["ModelLoading"] += 1
            total.requested += 1


async def _round(
    model: ModelProcess, rng: random.Random, requests: int, total: Observed, reaper: Reaper
) -> GenerationQueue:
    """One queue, closed while requests are running; note whatever is left of it."""
    before = asyncio.all_tasks()
    queue = queue_before(model, **_limits(rng))
    requesters = Requesters(queue, rng, poison=POISON)
    closing_at = requests - rng.randint(0, requests // 20)
    async with queue, reaper.at_work(queue):
        asking = asyncio.create_task(requesters.ask(requests))
        await until(lambda: requesters.observed.requested >= closing_at, patience=600)
        await queue.close(patience=rng.choice((0.0, 0.05)))
        await asking
        _check(queue, requesters.observed)
    await until(lambda: not model._roster._runs)
    names = {task.get_name() for task in asyncio.all_tasks() - before}
    if left := {name for name in names if not name.startswith("model worker")}:  # each worker has its own
        requesters.observed.wrong.append(f"tasks are left: {left}")
    _add(total, requesters.observed)
    return queue


class Reaper:
    """Kills the worker each time another 1 to ``at_most`` requests were accepted."""

    def __init__(self, model: ModelProcess, rng: random.Random, at_most: int) -> None:
        self.kills = 0
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
            await until(partial(_has_admitted, queue, due), patience=600)
            if self._model.pid is not None:
                with suppress(ProcessLookupError):  # it is dead already
                    os.kill(self._model.pid, signal.SIGKILL)
                    self.kills += 1


def _has_admitted(queue: GenerationQueue, requests: int) -> bool:
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


def _check(queue: GenerationQueue, observed: Observed) -> None:
    counts = queue.counts
    by_queue = Counter({name: getattr(counts, name) for name in OUTCOMES})
    if counts.admitted != by_queue.total():
        observed.wrong.append(f"{counts.admitted} were accepted, but these ended: {by_queue}")
    if by_queue != observed.outcomes:
        observed.wrong.append(f"{by_queue} in the accounts, but {observed.outcomes} of the streams")
    if counts.refused != observed.refused:
        observed.wrong.append(f"{counts.refused} refusals were counted, but {observed.refused} seen")
    if counts.admitted != observed.delivered.total() + observed.left:
        observed.wrong.append(
            f"{counts.admitted} accepted, {observed.delivered} delivered, {observed.left} left"
        )
    if (queue.load.running, queue.load.waiting, len(queue._tickets)) != (0, 0, 0):
        observed.wrong.append(f"{queue.load} at the end")


def _add(total: Observed, observed: Observed) -> None:
    total.requested += observed.requested
    total.left += observed.left
    total.refused += observed.refused
    total.outcomes += observed.outcomes
    total.delivered += observed.delivered
    total.wrong += observed.wrong


def report(measured: Accounting) -> int:
    refused = ", ".join(f"{count:,} {name}" for name, count in measured.refused.most_common())
    outcomes = " + ".join(f"{measured.outcomes[name]:,} {name}" for name in OUTCOMES)
    delivered = " + ".join(f"{measured.delivered[name]:,} {name}" for name in OUTCOMES)
    print(f"requested  {measured.requested:,} in {measured.seconds:.0f} s; {measured.kills} workers killed")
    print(f"refused    {measured.refused.total():,}: {refused}")
    print(f"accepted   {measured.accepted:,} = {outcomes}")
    print(f"delivered  {measured.delivered.total():,} = {delivered}; {measured.left:,} had left")
    for sentence in measured.wrong[:20]:
        print(f"    {sentence}")
    print(f"wrong      {len(measured.wrong)}")
    return verdict(
        "accepted = the sum of all outcomes, each delivered once; all occurred", kept=measured.kept
    )


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--requests", type=int, default=100_000, help="default: 100,000")
    arguments.add_argument("--seed", type=int, default=0, help="of what requesters do (default: 0)")
    options = arguments.parse_args()
    logging.basicConfig(level="ERROR")
    return report(asyncio.run(measure(options.requests, options.seed)))


if __name__ == "__main__":
    raise SystemExit(main())
