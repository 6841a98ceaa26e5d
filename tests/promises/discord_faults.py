"""How the bot copes with everything that can go wrong with Discord.

Seeded schedules: in each, several people use the bot on a Discord on loopback while connections
are reset (REST and gateway), requests are limited (429, with and without global), fail (5xx) or
are refused (50001, 50013), sessions end (RESUME, RECONNECT, invalid sessions of both kinds),
events come twice or late, and messages and channels are deleted. The bot is the real one with the
real discord.py, in this process, with a model that answers at once; several schedules run at a
time. ``tests.promises.discord_verdict`` defines which interactions could have been answered.

The bar: no unhandled error, no avoidable loss, nothing answered twice, the queue's accounts add up,
and every request obeys Discord's OpenAPI description and limits.

python -m tests.promises.discord_faults [--schedules 500] [--seed 0] [--at-once 8]
"""

from __future__ import annotations

import asyncio
import gc
import logging
import random
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from tempfile import TemporaryDirectory
from typing import Any

from bot.text.tokenization import Encodings
from tests.fakes.discord import FakeDiscord
from tests.fakes.discord.faults import Failed
from tests.fakes.discord.hosted import hosted
from tests.fakes.discord.requests import Request
from tests.fakes.model import FakeModel
from tests.promises.discord_schedule import Schedule
from tests.promises.discord_users import Users
from tests.promises.discord_verdict import judge
from tests.promises.figures import parser, verdict

LATE = 30.0  # seconds without a request after which no retry can come: discord.py waits 9 at most
SOON = 2.0  # the same where no retry is due
TO_BE_DROPPED = 4.0  # seconds after which the bot has dropped any interaction it did not acknowledge
STEP = 0.01  # seconds the model takes for a token


class PacedModel(FakeModel):
    """Takes a moment for each token, so that faults hit while it writes."""

    async def _turn(self, request_id: str) -> None:
        await asyncio.sleep(STEP)
        await super()._turn(request_id)


@dataclass(frozen=True)
class Measured:
    """Over all schedules: the faults by kind, how the interactions ended, what went wrong."""

    schedules: int
    faults: Counter[str]
    ends: Counter[str]
    admitted: int
    model_requests: int
    problems: tuple[str, ...]
    errors: tuple[str, ...]
    validated: int
    seconds: float

    @property
    def kept(self) -> bool:
        return not self.problems and not self.errors


@dataclass
class _Totals:
    faults: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    admitted: int = 0
    model_requests: int = 0
    validated: int = 0


async def measure(seeds: Sequence[int], *, at_once: int = 8, quick: bool = False) -> Measured:
    """Play a schedule for each seed, ``at_once`` at a time; ``quick`` leaves out faults that take seconds."""
    started, total, room = time.monotonic(), _Totals(), asyncio.Semaphore(at_once)
    encodings = Encodings()
    encodings.load()

    async def play_one(seed: int) -> None:
        async with room:
            await _play(seed, encodings, total, quick=quick)

    with _collected_errors() as errors:
        async with asyncio.TaskGroup() as group:
            for seed in seeds:
                group.create_task(play_one(seed))
        gc.collect()  # a task reports an error that was never retrieved when it is collected
        await asyncio.sleep(0)
    return Measured(
        len(seeds),
        total.faults,
        total.ends,
        total.admitted,
        total.model_requests,
        tuple(total.problems),
        tuple(errors),
        total.validated,
        time.monotonic() - started,
    )


async def _play(seed: int, encodings: Encodings, total: _Totals, *, quick: bool) -> None:
    rng, model = random.Random(seed), PacedModel()
    schedule = Schedule(rng, quick)
    limits: dict[str, Any] = {"max_running": 2, "per_person": 3, "pace": 0.05}
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/runs.sqlite3"  # a file, so several connections, as in production
        async with (
            FakeDiscord.opened(faults=schedule) as discord,
            hosted(discord, model, encodings=encodings, url=url, **limits) as bot,
        ):
            users = Users(discord, rng, quick=quick)
            await users.act()
            await _wait_until_quiet(discord)
            verdict, counts = judge(discord), bot.queue.counts
            if bot.joining.done():
                total.problems.append(f"seed {seed}: the bot has ended: {bot.joining}")
    total.faults += schedule.counts + users.counts
    total.ends += verdict.ends
    total.admitted += counts.admitted
    total.model_requests += len(model.started)
    total.validated += discord.checks.validated
    total.problems += (f"seed {seed}: {problem}" for problem in verdict.problems)
    ended = counts.finished + counts.cancelled + counts.expired + counts.failed
    if counts.admitted != ended:
        total.problems.append(f"seed {seed}: {counts.admitted} requests were admitted, but {ended} ended")
    if len(model.started) != len(set(model.started)):
        total.problems.append(f"seed {seed}: the model got a request twice")


async def _wait_until_quiet(discord: FakeDiscord) -> None:
    """Return once everything is answered that will be, and discord.py has no retry left."""
    while True:
        now = time.monotonic()
        happened = [request.at for request in discord.requests] + [
            interaction.sent_at for interaction in discord.interactions
        ]
        silence = now - max(happened)
        is_over = all(
            interaction.is_settled or now - interaction.sent_at > TO_BE_DROPPED
            for interaction in discord.interactions
        )
        if silence > (SOON if is_over and not _will_retry(discord.requests) else LATE):
            return
        await asyncio.sleep(0.1)


def _will_retry(requests: Iterable[Request]) -> bool:
    """Whether discord.py waits to retry after a 5xx, which takes up to nine seconds."""
    latest = {(request.method, request.path): request for request in requests}
    return any(isinstance(request.fault, Failed) for request in latest.values())


class _ErrorCollector(logging.Handler):
    def __init__(self, kept: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._kept = kept

    def emit(self, record: logging.LogRecord) -> None:
        cause = record.exc_info[1] if record.exc_info else None
        self._kept.append(f"{record.name}: {record.getMessage()}: {cause!r}")


@contextmanager
def _collected_errors() -> Iterator[list[str]]:
    """Errors that are logged, or reach the event loop's exception handler, during the block."""
    errors: list[str] = []
    handler, loop, root = _ErrorCollector(errors), asyncio.get_running_loop(), logging.getLogger()
    before = loop.get_exception_handler()

    def note(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        errors.append(f"{context.get('message')}: {context.get('exception')!r}")

    root.addHandler(handler)
    loop.set_exception_handler(note)
    try:
        yield errors
    finally:
        loop.set_exception_handler(before)
        root.removeHandler(handler)


def report(measured: Measured) -> int:
    for title, counts in (("faults", measured.faults), ("ends", measured.ends)):
        print(f"{title}:")
        for name, count in sorted(counts.items(), key=lambda each: -each[1]):
            print(f"  {count:6,}  {name}")
    for problem in (*measured.problems, *measured.errors)[:40]:
        print(f"  ! {problem}")
    interactions = measured.ends.total()
    print(
        f"{measured.schedules} schedules in {measured.seconds:.0f} s: {interactions:,} interactions, "
        f"{measured.faults.total():,} faults, {measured.admitted:,} requests admitted, "
        f"{measured.validated:,} bodies validated"
    )
    print(f"unhandled errors: {len(measured.errors)}; lost, duplicated or invalid: {len(measured.problems)}")
    return verdict("no unhandled error, no avoidable loss", kept=measured.kept)


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--schedules", type=int, default=500)
    arguments.add_argument("--seed", type=int, default=0, help="the first schedule's")
    arguments.add_argument("--at-once", type=int, default=8)
    options = arguments.parse_args()
    logging.getLogger("discord").setLevel(logging.ERROR)
    logging.getLogger("bot").setLevel(logging.ERROR)
    seeds = range(options.seed, options.seed + options.schedules)
    return report(asyncio.run(measure(seeds, at_once=options.at_once)))


if __name__ == "__main__":
    sys.exit(main())
