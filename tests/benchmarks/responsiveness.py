"""How soon people are answered while eight generations run.

    python -m tests.benchmarks.responsiveness [--model FOLDER] [--commands N]

Runs the real bot, queue and worker process against the simulated Discord. Eight
people keep a ``/complete`` of 256 tokens running each; a ninth runs commands one
after the other. Printed are the time from the arrival of a command to its
acknowledgement (which Discord wants within 3 s), and the lag of the event loop:
how much later than asked a sleep of 5 ms ends.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from statistics import median, quantiles
from typing import Any
from unittest.mock import patch

import discord
from simcord import InteractionResult, MemberActor

from bot.admission import Asker
from bot.model.protocol import Alike, GenerationRequest, ModelInfo
from bot.services import Generations
from bot.settings import Settings
from bot.simulation import World
from bot.startup import started
from bot.updates import Load, Update
from tests.worlds import live

GENERATIONS = 8
LONG_TEXT = "The quick brown 狐狸 jumps over the lazy 🐶. " * 140
SLEEP = 0.005
ACKNOWLEDGEMENT_BAR = 1.0
LAG_BAR = 0.1

Act = Callable[[MemberActor, World], Awaitable[InteractionResult]]
COMMANDS: tuple[Act, ...] = (
    lambda person, world: person.slash(world.channel, "tokens", text=LONG_TEXT, encoding="gpt-4o"),
    lambda person, world: person.slash(world.channel, "next", prompt=LONG_TEXT[:1000], seed=7),
    lambda person, world: person.slash(world.channel, "decode", ids="40313, 481"),
    lambda person, world: person.slash(world.channel, "complete", prompt="London was", max_tokens=1),
    lambda person, world: person.slash(world.channel, "tokens", text="Paris will"),
)


@dataclass
class Measured:
    """Seconds; ``running`` is how many generations ran when a command came."""

    acknowledgements: list[float] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)
    running: list[int] = field(default_factory=list)


class Counted:
    """Generations that know whose are running."""

    def __init__(self, inner: Generations) -> None:
        self._inner = inner
        self.owners: set[int] = set()
        self._departure = asyncio.Event()

    @property
    def model(self) -> ModelInfo:
        return self._inner.model

    @property
    def load(self) -> Load:
        return self._inner.load

    async def similar(self, token_id: int, count: int) -> tuple[Alike, ...]:
        return await self._inner.similar(token_id, count)

    def cancel(self, request_id: str, *, owner: int) -> None:
        self._inner.cancel(request_id, owner=owner)

    @asynccontextmanager
    async def stream(
        self, request: GenerationRequest, *, asker: Asker, group: str | None = None
    ) -> AsyncIterator[AsyncIterator[Update]]:
        async with self._inner.stream(request, asker=asker, group=group) as updates:
            self.owners.add(asker.person)
            try:
                yield updates
            finally:
                self.owners.discard(asker.person)
                self._departure.set()

    async def left(self, owner: int) -> None:
        """Return once nothing of ``owner`` is running."""
        while owner in self.owners:
            self._departure.clear()
            await self._departure.wait()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", help="a GPT-2's folder or name (default: the demo model)")
    parser.add_argument("--commands", type=int, default=200, help="how many commands to time (default: 200)")
    options = parser.parse_args()
    settings = Settings.from_env({"MODEL": options.model or "", "BATCH_SIZE": str(GENERATIONS + 1)})
    return report(asyncio.run(measure(settings, options.commands)))


async def measure(settings: Settings, commands: int) -> Measured:
    measured = Measured()
    async with started(settings) as parts:
        await parts.model.wait_ready()
        counted = Counted(parts.services.generations)
        async with live(replace(parts.services, generations=counted)) as world:
            lag = asyncio.create_task(record_lag(measured.lags))
            with acknowledgements() as arrivals:
                await run_commands(world, counted, arrivals, measured, commands)
            lag.cancel()
    return measured


async def run_commands(
    world: World, counted: Counted, arrivals: list[float], measured: Measured, commands: int
) -> None:
    """Each command is timed with all eight others at work; those who finished begin anew."""
    busy = [world.guild.add_member(world.env.create_user(f"writer{n}")) for n in range(GENERATIONS)]
    (person, *_) = world.members
    for _, command in zip(range(commands), itertools.cycle(COMMANDS), strict=False):
        for writer in busy:
            if writer.id not in counted.owners:
                await writer.slash(world.channel, "complete", prompt="Once upon a time", max_tokens=256)
        await counted.left(person.id)
        measured.running.append(len(counted.owners))
        start = time.perf_counter()
        await command(person, world)
        measured.acknowledgements.append(arrivals[-1] - start)


@contextmanager
def acknowledgements() -> Iterator[list[float]]:
    """When responses to interactions were accepted, newest last."""
    times: list[float] = []

    def timed(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def respond(self: Any, *args: Any, **kwargs: Any) -> Any:
            answer = await method(self, *args, **kwargs)
            times.append(time.perf_counter())
            return answer

        return respond

    response = discord.InteractionResponse
    with (
        patch.object(response, "send_message", timed(response.send_message)),
        patch.object(response, "defer", timed(response.defer)),
    ):
        yield times


async def record_lag(lags: list[float]) -> None:
    while True:
        start = time.perf_counter()
        await asyncio.sleep(SLEEP)
        lags.append(time.perf_counter() - start - SLEEP)


def report(measured: Measured) -> int:
    """Print the figures; the exit status tells whether both are within their bars."""
    acknowledgement = percentile(measured.acknowledgements, 99)
    print(
        f"{len(measured.acknowledgements)} commands, "
        f"{median(measured.running):.0f} generations running beside them (median)"
    )
    for name, values, bar, figure in (
        ("acknowledgement", measured.acknowledgements, ACKNOWLEDGEMENT_BAR, acknowledgement),
        ("event loop lag", measured.lags, LAG_BAR, max(measured.lags)),
    ):
        figures = (("median", median(values)), ("p99", percentile(values, 99)), ("max", max(values)))
        spread = "   ".join(f"{word} {value * 1e3:6.1f} ms" for word, value in figures)
        print(f"{name:16} {spread}   bar {bar * 1e3:5.0f} ms   {'ok' if figure < bar else 'MISSED'}")
    return 0 if acknowledgement < ACKNOWLEDGEMENT_BAR and max(measured.lags) < LAG_BAR else 1


def percentile(values: list[float], percent: int) -> float:
    return quantiles(values, n=100, method="inclusive")[percent - 1]


if __name__ == "__main__":
    raise SystemExit(main())
