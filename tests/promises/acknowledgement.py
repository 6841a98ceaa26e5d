"""How soon interactions are acknowledged while the model is overloaded.

    python -m tests.promises.acknowledgement [--interactions 10000] [--rate 50] [--seed 0]

The real bot, ``python -m bot`` with the demo model, in a process of its own, is
connected to a Discord on loopback. Writers keep every slot of the model busy with
texts of 256 tokens, and the queue full. Meanwhile people use commands, buttons,
menus and suggestions at a fixed rate, whether or not the bot keeps up. Now and
then an interaction arrives more than 2.5 s late, and the bot has to drop it.
The program prints the time from Discord's sending an interaction to its receiving
the acknowledgement.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from random import Random

from aiohttp.test_utils import unused_port

from tests.fakes.discord import FakeDiscord, Interaction
from tests.promises.crowd import Crowd
from tests.promises.figures import describe, parser, percentile, verdict
from tests.promises.monitor import Monitor
from tests.promises.writers import saturated

LATEST = 3.0  # seconds, Discord's own limit
USUALLY = 1.0  # seconds, for 999 in 1,000
LATE_SHARE = 0.005
LATE_AGE = 2.6
WRITERS = 40  # enough to fill the slots and the queue
SATURATED = 0.9  # the share of the time that all slots must be busy for the figures to count
IN_STEP = 0.95  # the share of the rate that must have been reached


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """``latencies`` in seconds; ``unanswered`` arrived in time, ``late_answered`` did not."""

    latencies: tuple[float, ...]
    rate: float  # interactions a second, as measured
    unanswered: int
    late: int
    late_answered: int
    busy: float  # the share of the time that all slots were busy
    violations: tuple[str, ...]

    @property
    def kept(self) -> bool:
        return (
            not self.unanswered
            and not self.late_answered
            and not self.violations
            and self.busy >= SATURATED
            and max(self.latencies) <= LATEST
            and percentile(self.latencies, 99.9) < USUALLY
        )


async def measure(interactions: int, rate: float, seed: int) -> Acknowledged:
    port = unused_port()
    settings = {"REQUESTS_PER_PERSON": "1", "REQUESTS_PER_SERVER": "100"}
    settings |= {"LOG_LEVEL": "ERROR", "METRICS_PORT": str(port)}
    async with (
        FakeDiscord.opened(schema_every=100, remembered=1_000) as discord,
        discord.bot(settings) as bot,
    ):
        await discord.joined()
        async with Monitor.on(bot.pid, port) as monitor:
            await monitor.ready()
            crowd = Crowd.gathered(discord, seed=seed, people=300, servers=10)
            async with saturated(discord, monitor, writers=WRITERS) as busy:
                in_time, late = await arrivals(crowd, interactions, rate, Random(seed))
                await asyncio.sleep(LATEST)
        return Acknowledged(
            rate=len(in_time + late) / (in_time[-1].sent_at - in_time[0].sent_at),
            latencies=tuple(interaction.latency for interaction in in_time if interaction.is_acknowledged),
            unanswered=sum(not interaction.is_acknowledged for interaction in in_time),
            late=len(late),
            late_answered=sum(interaction.is_acknowledged for interaction in late),
            busy=busy.share,
            violations=tuple(discord.violations),
        )


async def arrivals(
    crowd: Crowd, interactions: int, rate: float, random: Random
) -> tuple[list[Interaction], list[Interaction]]:
    """Send interactions at a fixed rate, however fast the bot is; return those in time, and those late."""
    in_time: list[Interaction] = []
    late: list[Interaction] = []
    start = asyncio.get_running_loop().time()
    for number in range(interactions):
        await asyncio.sleep(start + number / rate - asyncio.get_running_loop().time())
        if random.random() < LATE_SHARE:
            late.append(
                crowd.discord.slash(crowd.people[0], crowd.channels[0], "decode", age=LATE_AGE, ids="1")
            )
        else:
            in_time.append(crowd.act())
    return in_time, late


def report(measured: Acknowledged, rate: float) -> int:
    latencies = measured.latencies
    print(
        f"{len(latencies):,} interactions at {measured.rate:.1f}/s, "
        f"all slots busy {measured.busy:.0%} of the time"
    )
    print(
        f"acknowledged after {describe(latencies, 1e3, 'ms')}, "
        f"99.9 % {percentile(latencies, 99.9) * 1e3:.0f} ms"
    )
    print(
        f"never acknowledged: {measured.unanswered}; older than 2.5 s: {measured.late}, "
        f"of which answered: {measured.late_answered}; "
        f"invalid requests to Discord: {len(measured.violations)}"
    )
    for sentence in measured.violations[:10]:
        print("  " + sentence)
    kept = measured.kept and measured.rate >= rate * IN_STEP
    return verdict(f"at {rate:g}/s none later than 3 s, 99.9 % within 1 s, late ones dropped", kept=kept)


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--interactions", type=int, default=10_000, help="default: 10,000")
    arguments.add_argument("--rate", type=float, default=50.0, help="interactions a second (default: 50)")
    arguments.add_argument("--seed", type=int, default=0, help="of what people do (default: 0)")
    options = arguments.parse_args()
    return report(asyncio.run(measure(options.interactions, options.rate, options.seed)), options.rate)


if __name__ == "__main__":
    raise SystemExit(main())
