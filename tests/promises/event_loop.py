"""How late the bot's event loop ever is, while it has most to do.

    python -m tests.promises.event_loop [--seconds 120] [--rate 3] [--seed 0]

The real bot, ``python -m bot`` with the demo model, in a process of its own, is
connected to a Discord on loopback. Every slot of the model writes, and meanwhile
people let texts of 6,000 characters be cut into tokens, pictures be drawn, and
texts of 1,000 tokens be coloured. Printed is the greatest lag that the bot has
noticed itself, and by how much it may underrate it: how much later than asked a
sleep ended, looked at all the time from a minute after the start on.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aiohttp.test_utils import unused_port

from bot.monitoring.lag import EVERY
from tests.fakes.discord import FakeDiscord
from tests.promises.crowd import Crowd
from tests.promises.figures import parser, verdict
from tests.promises.monitor import Watch
from tests.promises.writers import saturated

BAR = 0.1
HEAVY = {"long tokens": 4.0, "long surprise": 3.0, "tokens": 2.0, "compare": 1.0, "tour": 1.0, "model": 1.0}
# The greatest of the last 30 seconds, at least.
LAG = "tokenwise_event_loop_lag_seconds"
REFUSALS = "tokenwise_refusals_total"
SETTLED = 61.0  # seconds after which nothing of the start is told any more
LOOKS_EVERY = 10.0  # seconds
WRITERS = 12
BUSY = 0.9  # share of the time in which all slots have to be taken
# Nobody is refused, so that everything is computed and drawn.
LIMITS = {"QUEUE_SIZE": "500", "REQUESTS_PER_PERSON": "100", "REQUESTS_PER_SERVER": "10000"}


@dataclass(frozen=True, slots=True)
class Lagged:
    """``greatest`` lag in seconds, once the bot has started; ``busy`` is a share of the time."""

    greatest: float
    actions: int
    refused: int
    busy: float

    @property
    def kept(self) -> bool:
        return self.greatest < BAR and self.actions > 0 and not self.refused and self.busy >= BUSY


async def measure(seconds: float, rate: float, seed: int, *, settled: float = SETTLED) -> Lagged:
    port = unused_port()
    settings = LIMITS | {"LOG_LEVEL": "ERROR", "METRICS_PORT": str(port)}
    async with (
        FakeDiscord.opened(schema_every=100, remembered=1_000) as discord,
        discord.bot(settings) as bot,
    ):
        await discord.joined()
        async with Watch.on(bot.pid, port) as watch:
            await watch.ready()
            crowd = Crowd.gathered(discord, seed=seed, people=60, servers=5, acts=HEAVY)
            greatest, actions = 0.0, 0
            async with saturated(discord, watch, writers=WRITERS) as busy:
                await act(crowd, settled, rate)
                end = asyncio.get_running_loop().time() + seconds
                while (left := end - asyncio.get_running_loop().time()) > 0:
                    actions += await act(crowd, min(left, LOOKS_EVERY), rate)
                    greatest = max(greatest, (await watch.metrics())[LAG] + EVERY)
            refused = sum(
                value for name, value in (await watch.metrics()).items() if name.startswith(REFUSALS)
            )
    return Lagged(greatest, actions, round(refused), busy.share)


async def act(crowd: Crowd, seconds: float, rate: float) -> int:
    """Let people act for so long; how often they did."""
    loop, actions = asyncio.get_running_loop(), 0
    end = loop.time() + seconds
    while loop.time() < end:
        await asyncio.sleep(crowd.random.expovariate(rate))
        crowd.act()
        actions += 1
    return actions


def report(lagged: Lagged) -> int:
    print(
        f"{lagged.actions:,} heavy commands, {lagged.refused} refused, "
        f"all slots taken {lagged.busy:.0%} of the time"
    )
    print(f"the event loop was {lagged.greatest * 1e3:.0f} ms late at most")
    return verdict("less than 100 ms late at all times", kept=lagged.kept)


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--seconds", type=float, default=120.0, help="how long (default: 120)")
    arguments.add_argument("--rate", type=float, default=3.0, help="commands a second (default: 3)")
    arguments.add_argument("--seed", type=int, default=0, help="of what people do (default: 0)")
    options = arguments.parse_args()
    return report(asyncio.run(measure(options.seconds, options.rate, options.seed)))


if __name__ == "__main__":
    raise SystemExit(main())
