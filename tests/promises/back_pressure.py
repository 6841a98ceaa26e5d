"""What happens when people request ten times what the model can write.

    python -m tests.promises.back_pressure [--minutes 10] [--times 10]

The real bot, ``python -m bot`` with the demo model, in a process of its own, is
connected to a Discord on loopback. First its capacity is measured: how many texts
of 256 tokens it finishes a second with a full queue. Then ``--times`` as many are
requested for ``--minutes`` minutes, each by another person. The program prints how
soon requests were refused, whether the refusals said when to come back, and samples
of the memory of the bot and of its model worker.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

from aiohttp.test_utils import unused_port

from tests.fakes.discord import Channel, FakeDiscord, Interaction, texts
from tests.promises.figures import describe, parser, percentile, verdict
from tests.promises.monitor import Monitor, Usage
from tests.promises.writers import beside, saturated

WARM_UP = 20.0  # seconds until the queue is full and the pace is known
COUNTED = 30.0  # seconds over which the capacity is measured
SAMPLED = 5.0  # seconds between two samples of the memory
GROWTH = 0.05
AT_ONCE = 1.0  # seconds, for 999 in 1,000
WHEN = re.compile(r"again in about [\d,]+ (second|minute)s?")
PEOPLE = 5_000


@dataclass(frozen=True, slots=True)
class Pressed:
    """``capacity`` and ``offered`` are texts a second, ``refusals`` the seconds until each refusal.

    ``memory`` and ``worker_memory`` are in bytes, sampled every few seconds.
    """

    capacity: float
    offered: float
    requests: int
    served: int
    refusals: tuple[float, ...]
    without_time: int  # refusals that do not say when to come back
    unanswered: int
    memory: tuple[int, ...]
    worker_memory: tuple[int, ...]
    violations: tuple[str, ...]

    @property
    def kept(self) -> bool:
        return (
            bool(self.refusals)
            and not (self.without_time or self.unanswered or self.violations)
            and percentile(self.refusals, 99.9) < AT_ONCE
            and max(growth(self.memory), growth(self.worker_memory)) <= GROWTH
        )


def growth(memory: tuple[int, ...]) -> float:
    """Growth from the second to the last fifth of the time; in the first, the queue fills."""
    fifth = max(1, len(memory) // 5)
    return max(memory[-fifth:]) / max(memory[fifth : 2 * fifth]) - 1


async def measure(
    minutes: float, times: float, *, warm_up: float = WARM_UP, counted: float = COUNTED
) -> Pressed:
    port = unused_port()
    settings = {"REQUESTS_PER_SERVER": "100", "LOG_LEVEL": "ERROR", "METRICS_PORT": str(port)}
    async with (
        FakeDiscord.opened(schema_every=100, remembered=1_000) as discord,
        discord.bot(settings) as bot,
    ):
        await discord.joined()
        async with Monitor.on(bot.pid, port) as monitor:
            await monitor.ready()
            capacity = await capacity_of(discord, monitor, warm_up, counted)
            samples: list[Usage] = []
            async with beside(sample(monitor, samples)):
                interactions = await pressure(discord, capacity * times, minutes * 60)
            await asyncio.sleep(AT_ONCE)
    refused = [one for one in interactions if is_refused(one)]
    return Pressed(
        capacity=capacity,
        offered=capacity * times,
        requests=len(interactions),
        served=sum(one.is_acknowledged for one in interactions) - len(refused),
        refusals=tuple(one.latency for one in refused),
        without_time=sum(not WHEN.search(sentence(one)) for one in refused),
        unanswered=sum(not one.is_acknowledged for one in interactions),
        memory=tuple(taken.memory for taken in samples),
        worker_memory=tuple(taken.worker_memory for taken in samples),
        violations=tuple(discord.violations),
    )


async def capacity_of(discord: FakeDiscord, monitor: Monitor, warm_up: float, counted: float) -> float:
    """Texts finished a second with a full queue, over ``counted`` seconds or more until one has."""
    loop = asyncio.get_running_loop()
    async with saturated(discord, monitor, writers=40):
        await asyncio.sleep(warm_up)
        before, start = await _finished(monitor), loop.time()
        await asyncio.sleep(counted)
        while (finished := await _finished(monitor)) == before:  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.1)
        return (finished - before) / (loop.time() - start)


async def _finished(monitor: Monitor) -> float:
    return (await monitor.metrics())["tokenwise_requests_total{finished}"]


async def sample(monitor: Monitor, samples: list[Usage]) -> None:
    while True:
        samples.append(await monitor.usage())
        await asyncio.sleep(SAMPLED)


async def pressure(discord: FakeDiscord, rate: float, seconds: float) -> list[Interaction]:
    """Request ``rate`` texts a second, whether or not the bot keeps up."""
    channel, interactions = discord.channel(), list[Interaction]()
    loop = asyncio.get_running_loop()
    start = loop.time()
    while loop.time() < start + seconds:
        interactions.append(ask(discord, channel, len(interactions)))
        await asyncio.sleep(start + len(interactions) / rate - loop.time())
    return interactions


def ask(discord: FakeDiscord, channel: Channel, number: int) -> Interaction:
    return discord.slash(
        discord.person(f"person-{number % PEOPLE}"),
        channel,
        "complete",
        prompt="Once upon a time",
        max_tokens=256,
    )


def is_refused(interaction: Interaction) -> bool:
    """Whether the request was refused at once, in a private reply."""
    return interaction.reply is not None and interaction.reply.is_ephemeral


def sentence(interaction: Interaction) -> str:
    return " ".join(texts(interaction.reply.components)) if interaction.reply else ""


def report(measured: Pressed) -> int:
    print(
        f"capacity {measured.capacity:.2f} texts/s, offered {measured.offered:.1f}/s: "
        f"{measured.requests:,} requested, {measured.served:,} served, {len(measured.refusals):,} refused, "
        f"{measured.unanswered} unanswered"
    )
    print(
        f"refused after {describe(measured.refusals, 1e3, 'ms')}, "
        f"99.9 % {percentile(measured.refusals, 99.9) * 1e3:.0f} ms; "
        f"without saying when to come back: {measured.without_time}"
    )
    for whose, memory in (("memory", measured.memory), ("the model worker's memory", measured.worker_memory)):
        mebibytes = [f"{size / 2**20:.0f}" for size in memory[:: max(1, len(memory) // 20)]]
        print(f"{whose} {' '.join(mebibytes)} MiB: {growth(memory):+.1%}")
    print(f"invalid requests to Discord: {len(measured.violations)}")
    for line in measured.violations[:10]:
        print("  " + line)
    return verdict("refused at once, with when to come back; memory flat within 5 %", kept=measured.kept)


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--minutes", type=float, default=10.0, help="how long (default: 10)")
    arguments.add_argument("--times", type=float, default=10.0, help="multiple of the capacity (default: 10)")
    options = arguments.parse_args()
    return report(asyncio.run(measure(options.minutes, options.times)))


if __name__ == "__main__":
    raise SystemExit(main())
