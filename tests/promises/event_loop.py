"""How late the bot's event loop ever is under its heaviest load.

    python -m tests.promises.event_loop [--seconds 120] [--rate 3] [--seed 0]

The real bot, ``python -m bot`` with the demo model, in a process of its own, is
connected to a Discord on loopback. Every slot of the model is busy, and meanwhile
people split texts of 6,000 characters into tokens, draw pictures, and colour texts
of 1,000 tokens. The program prints the worst lag that the bot itself measured, from
a minute after the start: how much later than requested a sleep ended, plus the
interval between its sleeps, by which it may underestimate.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aiohttp.test_utils import unused_port

from bot.monitoring.lag import EVERY
from tests.fakes.discord import FakeDiscord
from tests.promises.crowd import Crowd
from tests.promises.figures import parser, verdict
from tests.promises.monitor import Monitor
from tests.promises.writers import saturated

BAR = 0.1
HEAVY = {"long tokens": 4.0, "long surprise": 3.0, "tokens": 2.0, "compare": 1.0, "tour": 1.0, "model": 1.0}
# The worst of at least the last 30 seconds.
LAG = "tokenwise_event_loop_lag_seconds"
REFUSALS = "tokenwise_refusals_total"
SETTLED = 61.0  # seconds after which the metric no longer covers the start
LOOKS_EVERY = 10.0  # seconds
WRITERS = 12
BUSY = 0.9  # the share of the time that all slots must be busy
# Limits that refuse no request, so that everything is computed and drawn.
LIMITS = {"QUEUE_SIZE": "500", "REQUESTS_PER_PERSON": "100", "REQUESTS_PER_SERVER": "10000"}


@dataclass(frozen=True, slots=True)
class Lag:
    """``greatest`` lag in seconds, once the bot has started; ``busy`` is a share of the time."""

    worst: float
    actions: int
    refused: int
    busy: float

    @property
    def kept(self) -> bool:
        return self.worst < BAR and self.actions > 0 and not self.refused and self.busy >= BUSY


async def measure(seconds: float, rate: float, seed: int, *, settled: float = SETTLED) -> Lag:
    port = unused_port()
    settings = LIMITS | {"LOG_LEVEL": "ERROR", "METRICS_PORT": str(port)}
    async with (
        FakeDiscord.opened(schema_every=100, remembered=1_000) as discord,
        discord.bot(settings) as bot,
    ):
        await discord.joined()
        async with Monitor.on(bot.pid, port) as monitor:
            await monitor.ready()
            crowd = Crowd.gathered(discord, seed=seed, people=60, servers=5, acts=HEAVY)
            worst, actions = 0.0, 0
            async with saturated(discord, monitor, writers=WRITERS) as busy:
                await act(crowd, settled, rate)
                end = asyncio.get_running_loop().time() + seconds
                while (left := end - asyncio.get_running_loop().time()) > 0:
                    actions += await act(crowd, min(left, LOOKS_EVERY), rate)
                    worst = max(worst, (await monitor.metrics())[LAG] + EVERY)
            refused = sum(
                value for name, value in (await monitor.metrics()).items() if name.startswith(REFUSALS)
            )
    return Lag(worst, actions, round(refused), busy.share)


async def act(crowd: Crowd, seconds: float, rate: float) -> int:
    """Let people act for ``seconds``; the number of their actions."""
    loop, actions = asyncio.get_running_loop(), 0
    end = loop.time() + seconds
    while loop.time() < end:
        await asyncio.sleep(crowd.random.expovariate(rate))
        crowd.act()
        actions += 1
    return actions


def report(lag: Lag) -> int:
    print(f"{lag.actions:,} heavy commands, {lag.refused} refused, all slots busy {lag.busy:.0%} of the time")
    print(f"the event loop was at most {lag.worst * 1e3:.0f} ms late")
    return verdict("always less than 100 ms late", kept=lag.kept)


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--seconds", type=float, default=120.0, help="how long (default: 120)")
    arguments.add_argument("--rate", type=float, default=3.0, help="commands a second (default: 3)")
    arguments.add_argument("--seed", type=int, default=0, help="of what people do (default: 0)")
    options = arguments.parse_args()
    return report(asyncio.run(measure(options.seconds, options.rate, options.seed)))


if __name__ == "__main__":
    raise SystemExit(main())
