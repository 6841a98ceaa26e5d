"""What happens when people ask for ten times what the model can write.

    python -m tests.promises.back_pressure [--minutes 10] [--times 10]

The real bot, ``python -m bot`` with the demo model, in a process of its own, is
connected to a Discord on loopback. First its capacity is measured: how many texts
of 256 tokens a second it finishes with a full line. Then so many times as many are
asked for, each by somebody else, for so many minutes. Printed is how soon those
were told who had to be refused, whether they were told when to come back, and the
memory of the bot and of the model worker, from time to time.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

from aiohttp.test_utils import unused_port

from tests.fakes.discord import Channel, FakeDiscord, Interaction, texts
from tests.promises.figures import parser, percentile, told, verdict
from tests.promises.monitor import Taken, Watch
from tests.promises.writers import beside, saturated

WARM_UP = 20.0  # seconds until the line is full and the pace is known
COUNTED = 30.0  # seconds in which the capacity is counted
SAMPLED = 5.0  # seconds between two looks at the memory
GROWTH = 0.05
AT_ONCE = 1.0  # seconds; of 999 in 1,000
WHEN = re.compile(r"again in about [\d,]+ (second|minute)s?")
PEOPLE = 5_000


@dataclass(frozen=True, slots=True)
class Pressed:
    """``capacity`` and ``offered`` in texts a second, ``refusals`` in seconds each.

    ``memory`` and ``worker_memory`` are in bytes, looked at every few seconds.
    """

    capacity: float
    offered: float
    asked: int
    served: int
    refusals: tuple[float, ...]
    unfriendly: int  # refusals that do not say when to come back
    unanswered: int
    memory: tuple[int, ...]
    worker_memory: tuple[int, ...]
    violations: tuple[str, ...]

    @property
    def kept(self) -> bool:
        return (
            bool(self.refusals)
            and not (self.unfriendly or self.unanswered or self.violations)
            and percentile(self.refusals, 99.9) < AT_ONCE
            and max(growth(self.memory), growth(self.worker_memory)) <= GROWTH
        )


def growth(memory: tuple[int, ...]) -> float:
    """The last fifth of the time beside the second: in the first one the line fills."""
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
        async with Watch.on(bot.pid, port) as watch:
            await watch.ready()
            capacity = await capacity_of(discord, watch, warm_up, counted)
            looks: list[Taken] = []
            async with beside(look(watch, looks)):
                interactions = await pressure(discord, capacity * times, minutes * 60)
            await asyncio.sleep(AT_ONCE)
    refused = [one for one in interactions if is_refused(one)]
    return Pressed(
        capacity=capacity,
        offered=capacity * times,
        asked=len(interactions),
        served=sum(one.is_acknowledged for one in interactions) - len(refused),
        refusals=tuple(one.latency for one in refused),
        unfriendly=sum(not WHEN.search(sentence(one)) for one in refused),
        unanswered=sum(not one.is_acknowledged for one in interactions),
        memory=tuple(taken.memory for taken in looks),
        worker_memory=tuple(taken.worker_memory for taken in looks),
        violations=tuple(discord.violations),
    )


async def capacity_of(discord: FakeDiscord, watch: Watch, warm_up: float, counted: float) -> float:
    """Texts a second with a full line, counted for so long, and until there is one."""
    loop = asyncio.get_running_loop()
    async with saturated(discord, watch, writers=40):
        await asyncio.sleep(warm_up)
        before, start = await _finished(watch), loop.time()
        await asyncio.sleep(counted)
        while (finished := await _finished(watch)) == before:  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.1)
        return (finished - before) / (loop.time() - start)


async def _finished(watch: Watch) -> float:
    return (await watch.metrics())["tokenwise_requests_total{finished}"]


async def look(watch: Watch, looks: list[Taken]) -> None:
    while True:
        looks.append(await watch.taken())
        await asyncio.sleep(SAMPLED)


async def pressure(discord: FakeDiscord, rate: float, seconds: float) -> list[Interaction]:
    """What was asked at ``rate`` texts a second, whether or not the bot keeps up."""
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
    """Whether somebody was told at once, privately, that it cannot be now."""
    return interaction.reply is not None and interaction.reply.is_ephemeral


def sentence(interaction: Interaction) -> str:
    return " ".join(texts(interaction.reply.components)) if interaction.reply else ""


def report(measured: Pressed) -> int:
    print(
        f"capacity {measured.capacity:.2f} texts/s, offered {measured.offered:.1f}/s: "
        f"{measured.asked:,} asked, {measured.served:,} served, {len(measured.refusals):,} refused, "
        f"{measured.unanswered} unanswered"
    )
    print(
        f"refused after {told(measured.refusals, 1e3, 'ms')}, "
        f"99.9 % {percentile(measured.refusals, 99.9) * 1e3:.0f} ms; "
        f"without a time to come back: {measured.unfriendly}"
    )
    for whose, memory in (("memory", measured.memory), ("the model worker's", measured.worker_memory)):
        mebibytes = [f"{size / 2**20:.0f}" for size in memory[:: max(1, len(memory) // 20)]]
        print(f"{whose} {' '.join(mebibytes)} MiB: {growth(memory):+.1%}")
    print(f"wrong requests to Discord: {len(measured.violations)}")
    for line in measured.violations[:10]:
        print("  " + line)
    return verdict("refused at once, with when to come back; memory flat within 5 %", kept=measured.kept)


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--minutes", type=float, default=10.0, help="how long (default: 10)")
    arguments.add_argument("--times", type=float, default=10.0, help="the capacity (default: 10)")
    options = arguments.parse_args()
    return report(asyncio.run(measure(options.minutes, options.times)))


if __name__ == "__main__":
    raise SystemExit(main())
