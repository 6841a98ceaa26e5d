"""Whether interactions survive restarts of a bot of several processes.

    python -m tests.promises.restarts [--processes 4] [--shards 16] [--guilds 2000] [--rate 10]

Real bots with the demo model, each with a part of the shards, share a PostgreSQL and are connected to a
Discord on loopback, which lets one shard of each bucket identify in 5 s. People on all servers, and in direct
messages, send commands all the time, every tenth of them for a text. One process is killed and started again;
then each process is replaced: a new one with the same shards starts beside it, and once that serves, the old
one gets SIGTERM.

The program prints how many interactions there were, how many of them had no answer, or never all of it,
although a process that was not killed had them, how many were answered by the notice of a restart, how often
Discord refused a second answer, and how often a shard identified too soon. The bar: none. It also prints what
a claim costs an interaction while all processes serve.
"""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from functools import partial

from bot.gateway.shards import Shards
from bot.store.database import opened
from bot.store.process_claims import Claims
from tests.fakes.discord import Channel, FakeDiscord, Interaction, texts
from tests.fakes.discord.process import BotProcess
from tests.promises.figures import describe, parser, verdict
from tests.promises.postgresql import server
from tests.support.waiting import until

READY = "the model is ready"
IDENTIFY_EVERY = 5.0  # seconds
AT_ONCE = 4  # Discord's max_concurrency
CALM = 5.0  # seconds of undisturbed use before each event
CLAIMS = 1_000
TOKENS = 8  # of a text
PATIENCE = 60.0  # seconds for the last answers


@dataclass(frozen=True, slots=True)
class Restarts:
    """``lost`` were not answered to the end by a process that lived on, ``put_off`` got a restart's notice.

    ``of_killed`` were lost with the killed process, or sent while its shards were away.
    """

    interactions: int
    lost: Sequence[Interaction]
    put_off: int
    of_killed: int
    twice: int
    too_soon: int
    claims: Sequence[float]  # seconds that each took

    @property
    def kept(self) -> bool:
        return self.interactions > 0 and not (self.lost or self.put_off or self.twice or self.too_soon)


@dataclass(eq=False)
class Cluster:
    """The processes, each with the stack that ends it. ``killed``: whose shards were away, until when."""

    discord: FakeDiscord
    url: str
    parts: list[Shards]
    processes: dict[Shards, tuple[BotProcess, AsyncExitStack]]
    killed: tuple[Shards, float] | None = None

    async def start(self, shards: Shards) -> tuple[BotProcess, AsyncExitStack]:
        """A process that serves: its shards are connected and its model is ready."""
        stack, before = AsyncExitStack(), self.discord.gateway.shards
        named = f"{shards.first}-{shards.last}/{shards.count}"
        settings = {"SHARDS": named, "DATABASE_URL": self.url, "THREADS": "1"}
        bot = await stack.enter_async_context(self.discord.bot(settings))
        await bot.said(READY, patience=600)
        connected = partial(self._are_connected, shards, before)
        await until(connected, patience=600)
        return bot, stack

    async def start_all(self) -> None:
        started = await asyncio.gather(*(self.start(one) for one in self.parts))
        self.processes = dict(zip(self.parts, started, strict=True))

    async def kill(self, shards: Shards) -> None:
        """Kill a process and start it again."""
        bot, stack = self.processes[shards]
        bot.signal(signal.SIGKILL)
        await bot.wait()
        await stack.aclose()
        self.processes[shards] = await self.start(shards)
        self.killed = (shards, time.monotonic())

    async def replace(self, shards: Shards) -> None:
        """Start a successor, then end the old process."""
        bot, stack = self.processes[shards]
        self.processes[shards] = await self.start(shards)
        bot.signal(signal.SIGTERM)
        await bot.wait()
        await stack.aclose()

    async def close(self) -> None:
        await asyncio.gather(*(stack.aclose() for _, stack in self.processes.values()))

    def of_killed(self, interaction: Interaction) -> bool:
        """Whether it reached the killed process, or nobody while its shards were away."""
        if self.killed is None:
            return False
        shards, ended = self.killed
        guild = interaction.channel.guild
        shard = 0 if guild is None else (guild.id >> 22) % shards.count
        return shard in shards.ids and interaction.sent_at < ended

    def _are_connected(self, shards: Shards, before: list[int]) -> bool:
        """Whether each has one connection more than ``before``."""
        now = self.discord.gateway.shards
        return all(now.count(one) > before.count(one) for one in shards.ids)


async def restarted(*, processes: int, shards: int, guilds: int, rate: float, seed: int = 1) -> Restarts:
    """Run the bots, and disturb them."""
    each = shards // processes
    parts = [Shards(first, first + each - 1, shards) for first in range(0, shards, each)]
    with server() as own:
        if own is None:
            raise SystemExit("PostgreSQL is not installed")
        async with FakeDiscord.opened(
            shards=shards,
            max_concurrency=AT_ONCE,
            identify_every=IDENTIFY_EVERY,
            schema_every=0,
            remembered=0,
        ) as discord:
            channels = [discord.channel(guild=discord.guild(f"server {n}")) for n in range(guilds)]
            channels.append(discord.conversation())
            cluster = Cluster(discord, own.url, parts, {})
            await cluster.start_all()
            using = asyncio.create_task(_use(discord, channels, rate, random.Random(seed)))
            try:
                claims = await _claims(own.url)
                await asyncio.sleep(CALM)
                await cluster.kill(parts[-1])
                await asyncio.sleep(CALM)
                for one in parts:
                    await cluster.replace(one)
                await asyncio.sleep(CALM)
            finally:
                using.cancel()
                await asyncio.wait({using})
            await _settle(discord)
            result = _counted(cluster, claims)
            await cluster.close()
            return result


async def _use(discord: FakeDiscord, channels: list[Channel], rate: float, rng: random.Random) -> None:
    people = [discord.person(f"person {number}") for number in range(200)]
    while True:
        person, channel = rng.choice(people), rng.choice(channels)
        if rng.random() < 0.1:
            discord.slash(person, channel, "complete", prompt="London was", max_tokens=TOKENS)
        else:
            discord.slash(person, channel, "help")
        await asyncio.sleep(rng.expovariate(rate))


async def _settle(discord: FakeDiscord) -> None:
    """Return once every interaction that a bot acknowledged has its answer, or after PATIENCE."""
    with suppress(TimeoutError):
        await until(
            lambda: all(one.is_settled or not one.is_acknowledged for one in discord.interactions),
            patience=PATIENCE,
        )


async def _claims(url: str) -> list[float]:
    """How long claims take, in seconds, one after the other."""
    async with opened(url) as database:
        claims, taken = Claims(database), []
        for number in range(CLAIMS):
            began = time.perf_counter()
            await claims.take(f"measured {number}")
            taken.append(time.perf_counter() - began)
        return taken


def _counted(cluster: Cluster, claims: Sequence[float]) -> Restarts:
    discord = cluster.discord
    unanswered = [one for one in discord.interactions if not one.is_settled]
    lost = [one for one in unanswered if not cluster.of_killed(one)]
    return Restarts(
        interactions=len(discord.interactions),
        lost=lost,
        put_off=sum("restarting" in _said(one) for one in discord.interactions),
        of_killed=len(unanswered) - len(lost),
        twice=sum(one.refused for one in discord.interactions),
        too_soon=discord.gateway.too_soon,
        claims=claims,
    )


def _course(interaction: Interaction) -> str:
    """What became of an interaction, in seconds from when it was sent."""
    name, delivered_at = f"/{interaction.data['name']}", interaction.delivered_at
    if delivered_at is None:
        return f"{name}, which reached no process"
    delivered = (
        f"delivered {interaction.deliveries} times, first after {delivered_at - interaction.sent_at:.1f} s"
    )
    if not interaction.is_acknowledged:
        return f"{name}, {delivered}, never acknowledged"
    return f"{name}, {delivered}, acknowledged after {interaction.latency:.1f} s, never finished"


def _said(interaction: Interaction) -> str:
    return "\n".join(text for message in interaction.all_messages for text in texts(message.components))


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--processes", type=int, default=4)
    arguments.add_argument("--shards", type=int, default=16)
    arguments.add_argument("--guilds", type=int, default=2_000)
    arguments.add_argument("--rate", type=float, default=10.0, help="interactions a second")
    given = arguments.parse_args()
    result = asyncio.run(restarted(**vars(given)))
    print(
        f"{result.interactions:,} interactions: {len(result.lost)} lost, {result.put_off} put off, "
        f"{result.twice} second answers, {result.of_killed} lost with the killed process; "
        f"{result.too_soon} identified too soon"
    )
    for one in result.lost:
        print(f"lost: {_course(one)}")
    print(f"a claim takes {describe(result.claims, 1000, 'ms')}")
    return verdict("nothing lost, nothing answered twice, identify limits kept", kept=result.kept)


if __name__ == "__main__":
    raise SystemExit(main())
