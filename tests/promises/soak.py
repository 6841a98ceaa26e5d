"""Whether the bot's use of resources grows over time.

    python -m tests.promises.soak [--minutes 30] [--rate 4] [--seed 0]

The real bot, ``python -m bot`` with the demo model and an SQLite file, in a
process of its own, is connected to a Discord on loopback. People use every command
and button. Now and then they pause until the bot has answered them all, and its
asyncio tasks, file descriptors, threads and memory are sampled: at rest, so that
only what stays is counted. The samples at the end are compared with those after a
warm-up, in which caches fill and allocators grow (the prefix cache is made small, so
that it is full by then).
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from statistics import median

from aiohttp.test_utils import unused_port

from tests.fakes.discord import FakeDiscord, Interaction
from tests.promises.crowd import Crowd
from tests.promises.figures import parser, verdict
from tests.promises.monitor import Monitor, Usage

SAMPLES = 30
WARM_UP = 1 / 3  # of the samples
COMPARED = 1 / 4  # of the others, at each end
GROWTH = 0.05  # of memory, at most
SPARE = 4  # tasks, descriptors or threads more, as connections are kept for a while
PATIENCE = 120.0  # seconds for the last replies
PAUSE = 2.5  # seconds for the work after a reply, and for freed memory to be returned


@dataclass(frozen=True, slots=True)
class Soaked:
    samples: tuple[Usage, ...]
    actions: int
    unanswered: int
    errors: tuple[str, ...]
    violations: tuple[str, ...]

    @property
    def before(self) -> Usage:
        return _median(self._warm[: self._some])

    @property
    def after(self) -> Usage:
        return _median(self._warm[-self._some :])

    @property
    def _warm(self) -> tuple[Usage, ...]:
        return self.samples[round(len(self.samples) * WARM_UP) :]

    @property
    def _some(self) -> int:
        """So many looks at each end: few, for what grows slowly has grown most between them."""
        return max(1, round(len(self._warm) * COMPARED))

    @property
    def kept(self) -> bool:
        before, after = self.before, self.after
        return (
            not (self.unanswered or self.errors or self.violations)
            and after.tasks <= before.tasks + SPARE
            and after.descriptors <= before.descriptors + SPARE
            and after.threads <= before.threads + SPARE
            and after.memory <= before.memory * (1 + GROWTH)
            and after.worker_memory <= before.worker_memory * (1 + GROWTH)
        )


def _median(samples: tuple[Usage, ...]) -> Usage:
    """The median of each figure."""
    return Usage(
        memory=round(median(sample.memory for sample in samples)),
        worker_memory=round(median(sample.worker_memory for sample in samples)),
        descriptors=round(median(sample.descriptors for sample in samples)),
        threads=round(median(sample.threads for sample in samples)),
        tasks=round(median(sample.tasks for sample in samples)),
    )


async def measure(minutes: float, rate: float, seed: int, *, samples: int = SAMPLES) -> Soaked:
    port = unused_port()
    settings = {"LOG_LEVEL": "WARNING", "METRICS_PORT": str(port), "PREFIX_CACHE": "16"}
    async with FakeDiscord.opened(schema_every=20, remembered=1_000) as discord, discord.bot(settings) as bot:
        await discord.joined()
        async with Monitor.on(bot.pid, port) as monitor:
            await monitor.ready()
            crowd = Crowd.gathered(discord, seed=seed, people=60, servers=5)
            usage, actions, unanswered = list[Usage](), 0, 0
            for _ in range(samples):
                interactions = [await _act(crowd, rate) for _ in range(round(minutes * 60 * rate / samples))]
                await _rest(interactions)
                usage.append(await monitor.usage())
                print(_line(usage[-1]), flush=True)
                actions += len(interactions)
                unanswered += sum(not one.is_settled for one in interactions)
        errors = tuple(line for line in bot.lines if " ERROR " in line or "Traceback" in line)
        return Soaked(tuple(usage), actions, unanswered, errors, tuple(discord.violations))


async def _act(crowd: Crowd, rate: float) -> Interaction:
    await asyncio.sleep(crowd.random.expovariate(rate))
    return crowd.act()


async def _rest(interactions: list[Interaction]) -> None:
    """Return once all have their final replies, or after ``PATIENCE`` seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            for one in interactions:
                await one.settled(PATIENCE)
    await asyncio.sleep(PAUSE)


def _line(usage: Usage) -> str:
    return (
        f"{usage.tasks} tasks, {usage.descriptors} descriptors, {usage.threads} threads, "
        f"{usage.memory / 2**20:.1f} MiB, the model worker {usage.worker_memory / 2**20:.1f} MiB"
    )


def report(soaked: Soaked) -> int:
    print(
        f"{soaked.actions:,} actions, {soaked.unanswered} without a final reply, "
        f"{len(soaked.errors)} errors in the log, {len(soaked.violations)} invalid requests to Discord"
    )
    for line in (*soaked.errors[:10], *soaked.violations[:10]):
        print("  " + line)
    print(f"before: {_line(soaked.before)}")
    print(f"after:  {_line(soaked.after)}")
    growth = soaked.after.memory / soaked.before.memory - 1
    workers = soaked.after.worker_memory / soaked.before.worker_memory - 1
    print(f"memory {growth:+.1%}, the model worker {workers:+.1%}")
    bar = "no growth in tasks, file descriptors, threads; memory flat within 5 %"
    return verdict(bar, kept=soaked.kept)


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--minutes", type=float, default=30.0, help="how long (default: 30)")
    arguments.add_argument("--rate", type=float, default=4.0, help="actions a second (default: 4)")
    arguments.add_argument("--seed", type=int, default=0, help="of what people do (default: 0)")
    options = arguments.parse_args()
    return report(asyncio.run(measure(options.minutes, options.rate, options.seed)))


if __name__ == "__main__":
    raise SystemExit(main())
