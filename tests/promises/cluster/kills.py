"""Replicas, workers, proxies and the controller die at random while people use the model.

    python -m tests.promises.cluster.kills [--kills 30] [--minutes 10] [--machines 3] [--seed 0]

People ask a queue before a model service on a cluster of Ray on loopback; they read, stop and
leave at random. Every replica has a worker that writes tokens made from the request, so each is
known. Meanwhile processes are killed, evenly over the time. The program prints what became of
every request, and everything that was told twice, differently or not at all.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

import psutil

from bot.model.remote.service import ModelService
from tests.promises.accounting import OUTCOMES
from tests.promises.cluster.machines import Machines, Part, machines
from tests.promises.figures import parser, verdict
from tests.promises.requesters import Observed, Requesters
from tests.support.queues import queue_before

TOGETHER = 8
STEP = 0.02  # seconds that a worker takes for a token


@dataclass(slots=True)
class Kills:
    """What was killed, and what the askers ``observed``."""

    observed: Observed
    killed: Counter[Part] = field(default_factory=Counter)
    accepted: int = 0
    moved: int = 0
    seconds: float = 0.0

    @property
    def kept(self) -> bool:
        return self.accepted == self.observed.outcomes.total() and not self.observed.wrong


async def measure(running: Machines, *, kills: int, minutes: float, seed: int) -> Kills:
    chance = random.Random(seed)
    async with ModelService(running.address, None) as model:
        await model.wait_ready()
        async with queue_before(model, max_waiting=60, per_person=3, deadline=600.0) as queue:
            requesters = Requesters(queue, random.Random(seed), longest=60)
            found = Kills(requesters.observed)
            began = time.monotonic()
            asking = asyncio.create_task(requesters.ask(10**9))
            for _ in range(kills):
                await asyncio.sleep(60 * minutes / kills * chance.uniform(0.5, 1.5))
                part: Part = chance.choice(get_args(Part))
                await asyncio.to_thread(_kill_one, running, part, chance)
                found.killed[part] += 1
            requesters.stop()
            await asking
            found.accepted, found.moved = queue.counts.admitted, model.restarts
            found.seconds = time.monotonic() - began
    return found


def _kill_one(running: Machines, part: Part, chance: random.Random) -> None:
    """Kill one process of this part, once there is one: an earlier one may be about to be replaced."""
    while not (processes := running.processes(part)):
        time.sleep(0.1)
    try:
        chance.choice(processes).kill()
    except psutil.NoSuchProcess:
        _kill_one(running, part, chance)


def report(found: Kills) -> int:
    observed = found.observed
    killed = ", ".join(f"{count} of {part}" for part, count in found.killed.most_common())
    outcomes = " + ".join(f"{observed.outcomes[name]:,} {name}" for name in OUTCOMES)
    refused = ", ".join(f"{count:,} {name}" for name, count in observed.refused.most_common()) or "none"
    print(f"killed     {killed}, within {found.seconds / 60:.1f} minutes; {found.moved} texts moved")
    print(f"accepted   {found.accepted:,} = {outcomes}")
    print(f"failed     {', '.join(f'{count} {why}' for why, count in observed.failures.most_common())}")
    print(f"refused    {refused}")
    for sentence in observed.wrong[:20]:
        print(f"    {sentence}")
    print(f"wrong      {len(observed.wrong)}")
    return verdict("accepted = the sum of all outcomes, nothing told twice or differently", kept=found.kept)


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--kills", type=int, default=30)
    arguments.add_argument("--minutes", type=float, default=10.0)
    arguments.add_argument("--machines", type=int, default=3)
    arguments.add_argument("--seed", type=int, default=0, help="of what people do, and of what dies when")
    options = arguments.parse_args()
    logging.basicConfig(level="ERROR")
    with tempfile.TemporaryDirectory() as folder:
        script = json.dumps([{"step_seconds": STEP}])
        journal = str(Path(folder) / "journal")
        command = [sys.executable, "-m", "tests.fakes.scripted_worker", journal, script]
        with machines(options.machines, command, texts=TOGETHER) as running:
            measured = measure(running, kills=options.kills, minutes=options.minutes, seed=options.seed)
            return report(asyncio.run(measured))


if __name__ == "__main__":
    raise SystemExit(main())
