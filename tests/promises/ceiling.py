"""How many texts one process of the bot shows as they grow.

    python -m tests.promises.ceiling [--texts 64 256 1024] [--tokens 256] [--seconds 30]

The real bot, ``python -m bot``, in a process of its own, is connected to a Discord on loopback and to a model
service that is scripted: every text gets 20 tokens/s, however many there are. People keep so many texts
growing at once: as soon as one has all its tokens, its person asks for the next.

For each number of texts the program prints the time from one edit of a text to its next (one second, if the
bot keeps up), the longest lag of the bot's event loop, and the share of a core that the bot, this Discord and
the service took. The bar: the most texts with 99 % of the edits within 1.25 s and a lag below 100 ms.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import Any

import psutil
from aiohttp.test_utils import unused_port

from bot.monitoring.lag import EVERY
from tests.fakes.discord import Channel, FakeDiscord, Person
from tests.fakes.discord.paths import WEBHOOK_MESSAGE
from tests.fakes.discord.process import ROOT, BotProcess
from tests.fakes.discord.requests import Request
from tests.promises.event_loop import LAG, SETTLED
from tests.promises.figures import describe, parser, percentile, verdict
from tests.promises.monitor import Monitor
from tests.promises.writers import beside

TEXTS = (64, 128, 256, 384, 512, 1024)
TOKENS = 256  # of a text, the most that people may ask for
SPEED = 20.0  # tokens/s
LATE = 1.25  # seconds from one edit to the next, where a text no longer grows evenly
LAGS = 0.1
AGAIN = 0.05  # seconds until a person asks for the next text
PATIENCE = 60.0  # seconds that a person waits for a text
IN_A_SERVER = 8
LIMITS = {"QUEUE_SIZE": "500", "REQUESTS_PER_PERSON": "100", "REQUESTS_PER_SERVER": "10000"}


@dataclass(frozen=True, slots=True)
class Ceiling:
    """So many ``texts`` at once. Times are in seconds, shares those of one core.

    ``gaps`` are from one edit of a text to its next. ``unfinished`` texts never came to their end.
    """

    texts: int
    gaps: tuple[float, ...]
    lag: float
    finished: int
    unfinished: int
    bot: float
    discord: float
    service: float

    @property
    def kept(self) -> bool:
        return self.lag < LAGS and not self.unfinished and percentile(self.gaps, 99) <= LATE


class Edits(deque[Request]):
    """Keeps of all requests the times at which each reply was edited, by its interaction's token."""

    def __init__(self) -> None:
        super().__init__(maxlen=0)
        self.at: dict[str, list[float]] = {}

    def append(self, request: Request, /) -> None:
        if request.method == "PATCH" and request.template == WEBHOOK_MESSAGE:
            self.at.setdefault(request.values["webhook_token"], []).append(request.at)

    def gaps(self, since: float) -> tuple[float, ...]:
        """Seconds between the edits of a text, of those that came after ``since``."""
        return tuple(
            later - earlier
            for times in self.at.values()
            for earlier, later in pairwise(times[:-1])  # the last one is the text's end
            if earlier >= since
        )


@dataclass(eq=False)
class People:
    """Each asks for a text, again and again."""

    discord: FakeDiscord
    tokens: int
    random: Random
    finished: int = 0
    unfinished: int = 0

    @property
    def length(self) -> float:
        """Seconds that a text takes."""
        return self.tokens / SPEED

    async def write(self, number: int) -> None:
        guild = self.discord.guild(f"server {number // IN_A_SERVER}")
        channel, person = self.discord.channel(guild=guild), self.discord.person(f"person {number}")
        await asyncio.sleep(self.random.uniform(0, self.length))
        while True:
            await self._text(person, channel)
            await asyncio.sleep(AGAIN)

    async def _text(self, person: Person, channel: Channel) -> None:
        interaction = self.discord.slash(person, channel, "complete", prompt=PROMPT, max_tokens=self.tokens)
        try:
            await interaction.settled(PATIENCE)
            self.finished += 1
        except TimeoutError:
            self.unfinished += 1
        self.discord.interactions.clear()  # only what is in progress is needed
        channel.messages.clear()


PROMPT = "It was a dark and stormy night, and the rain fell in torrents,"


async def measure(
    texts: Sequence[int], tokens: int, seconds: float, *, settled: float = SETTLED
) -> AsyncIterator[Ceiling]:
    """Have more and more ``texts``, each for ``seconds``, with the same bot."""
    port = unused_port()
    async with (
        scripted_service(max(texts)) as (address, service),
        FakeDiscord.opened(schema_every=0) as discord,
        discord.bot(LIMITS | {"MODEL_URL": address, "LOG_LEVEL": "ERROR", "METRICS_PORT": str(port)}) as bot,
    ):
        await discord.joined()
        edits = discord.rest.requests = Edits()
        async with Monitor.on(bot.pid, port) as monitor:
            await monitor.ready()
            await asyncio.sleep(settled)  # the lag no longer covers the start
            for number in texts:
                people = People(discord, tokens, Random(number))
                yield await _level(people, number, seconds, edits, monitor, bot, service)
                await asyncio.sleep(3.0)


async def _level(
    people: People,
    number: int,
    seconds: float,
    edits: Edits,
    monitor: Monitor,
    bot: BotProcess,
    service: int,
) -> Ceiling:
    async with beside(*(people.write(one) for one in range(number))):
        await asyncio.sleep(people.length + 1.0)
        edits.at.clear()
        people.finished = people.unfinished = 0
        began, used = time.monotonic(), _used(bot.pid, service)
        await asyncio.sleep(seconds)
        took = time.monotonic() - began
        bots, discords, services = (
            (after - before) / took for before, after in zip(used, _used(bot.pid, service), strict=True)
        )
        lag = (await monitor.metrics())[LAG] + EVERY
    return Ceiling(
        number, edits.gaps(began), lag, people.finished, people.unfinished, bots, discords, services
    )


def _used(bot: int, service: int) -> tuple[float, ...]:
    """Seconds of a core that the bot, this process and the service have taken."""
    times = [psutil.Process(pid).cpu_times() for pid in (bot, None, service)]
    return tuple(each.user + each.system for each in times)


@asynccontextmanager
async def scripted_service(slots: int) -> AsyncIterator[tuple[str, int]]:
    """A scripted model service in a process of its own: its address, and the process's id."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.fakes.scripted_service"),
        *("--slots", str(slots), "--speed", str(SPEED)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        address = (await process.stdout.readline()).decode().strip()
        yield address, process.pid
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


def report(found: Ceiling) -> None:
    print(
        f"{found.texts:,} texts: from an edit to the next {describe(found.gaps, 1, 's')}; "
        f"lag {found.lag * 1e3:.0f} ms; of a core: bot {found.bot:.0%}, Discord {found.discord:.0%}, "
        f"service {found.service:.0%}; {found.finished:,} finished, {found.unfinished:,} did not",
        flush=True,
    )


async def ceiling(texts: Sequence[int], tokens: int, seconds: float) -> int:
    """Measure and print each; return the exit status."""
    most = 0
    async for found in measure(texts, tokens, seconds):
        report(found)
        most = max(most, found.texts if found.kept else 0)
    return verdict(
        f"{most:,} texts at once with an edit a second and a lag below {LAGS * 1e3:.0f} ms", kept=most > 0
    )


def main() -> int:
    arguments: Any = parser(__doc__)
    arguments.add_argument("--texts", type=int, nargs="+", default=TEXTS, help="at once, ascending")
    arguments.add_argument("--tokens", type=int, default=TOKENS, help="of each text, 1 to 256 (default: 256)")
    arguments.add_argument("--seconds", type=float, default=30.0, help="of each number (default: 30)")
    options = arguments.parse_args()
    return asyncio.run(ceiling(options.texts, options.tokens, options.seconds))


if __name__ == "__main__":
    raise SystemExit(main())
