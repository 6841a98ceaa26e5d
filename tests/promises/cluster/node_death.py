"""A machine dies while texts are written on it.

    python -m tests.promises.cluster.node_death [--machines 3] [--texts 24] [--steps 256]

Some texts are written on a cluster of Ray on loopback, first undisturbed, then while a machine
is killed as soon as each has begun: the demo model, one replica on a machine. The program
prints how many of them ended, how many of their tokens differ, and the longest pause that
anyone had to wait.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from random import Random

from bot.model.client.process import worker_command
from bot.model.remote.service import ModelService
from bot.settings import DEMO_MODEL
from tests.promises.cluster.machines import Machines, machines
from tests.promises.cluster.texts import Told, ask, ask_all, differing, requests
from tests.promises.figures import parser, verdict
from tests.support.waiting import until

TOGETHER = 16  # texts that a replica writes at once


@dataclass(frozen=True, slots=True)
class Death:
    """What became of ``texts``; seconds."""

    texts: int
    ended: int
    differing: int
    moved: int
    longest_pause: float

    @property
    def kept(self) -> bool:
        return self.ended == self.texts and not self.differing and self.moved > 0


async def measure(running: Machines, *, texts: int, steps: int, seed: int) -> Death:
    asked = requests(texts, steps, seed)
    async with ModelService(running.address, None) as model:
        await model.wait_ready()
        undisturbed = await ask_all(model, asked)
        told = [Told(request) for request in asked]
        asking = [asyncio.create_task(ask(model, one)) for one in told]
        await until(lambda: all(one.steps for one in told))
        await asyncio.to_thread(running.kill, Random(seed).choice(running.names))
        await asyncio.gather(*asking)
        return Death(
            texts,
            sum(one.ended for one in told),
            differing(undisturbed, told),
            model.restarts,
            max(one.longest_pause for one in told),
        )


def report(death: Death) -> int:
    print(f"{death.ended} of {death.texts} texts ended, {death.differing} of their tokens differ")
    print(f"{death.moved} went to another replica; the longest pause was {death.longest_pause:.1f} s")
    return verdict("every text ends as if nothing had happened", kept=death.kept)


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--machines", type=int, default=3)
    arguments.add_argument("--texts", type=int, default=24)
    arguments.add_argument("--steps", type=int, default=256)
    arguments.add_argument("--seed", type=int, default=0, help="of the texts, and of which machine dies")
    options = arguments.parse_args()
    command = worker_command(DEMO_MODEL, None, 1, TOGETHER)
    with machines(options.machines, command, texts=TOGETHER) as running:
        measured = measure(running, texts=options.texts, steps=options.steps, seed=options.seed)
        return report(asyncio.run(measured))


if __name__ == "__main__":
    raise SystemExit(main())
