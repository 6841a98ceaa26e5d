"""A process that keeps runs until it is killed, and says over a pipe what it has done.

    ("kept", run, asked at)          the run is kept
    ("forgot", person)               all that was kept of them is deleted
    ("opened", run, asked at)        a round is
    ("voting", run, person, token)   and, once that is done, ("voted", run, person, token)
    ("ended",)                       as it was told to, and nothing waits any more

Runs are numbered, and made from their number alone: whoever reads this knows all of them.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from random import Random

from bot.errors import StoreUnavailable
from bot.features.complete import CompletionRun
from bot.features.guess import Round
from bot.features.next import WalkRun
from bot.store.database import opened
from bot.store.runs import Runs
from tests.support.samples import completion_run, walk_run

WRITERS = 3
DAYS = 30
VOTERS = range(1, 7)
# The runs of a process have so many numbers, and so many of them each of its tasks.
NUMBERS = 600_000
_EACH = NUMBERS // (WRITERS + 3)
_CHOICES = (257, 262, 530, 407)


def run_id(number: int) -> str:
    return f"{number:016x}"


def made(number: int, asked_at: float) -> CompletionRun:
    """A text of up to 60 tokens, of a person of its own."""
    chance = Random(number)
    prompt = tuple(chance.randrange(50_257) for _ in range(chance.randint(1, 40)))
    tokens = [chance.randrange(50_257 - 5) for _ in range(chance.randint(1, 60))]
    return completion_run(run_id(number), *tokens, owner=number, prompt_ids=prompt, asked_at=asked_at)


def made_walk(number: int, asked_at: float) -> WalkRun:
    return walk_run(run_id(number), number % 50_257, owner=number, asked_at=asked_at)


def keep_until_killed(url: str, first: int, lines: Connection) -> None:
    """The process; its runs are numbered from ``first`` on. Told anything, it ends by itself."""
    logging.disable()  # how a database fails is told by the figures
    asyncio.run(_Keeper(lines, first).work(url))


class _Keeper:
    def __init__(self, lines: Connection, first: int) -> None:
        self._lines = lines
        self._first = first
        self._now = float(int(time.time()))

    async def work(self, url: str) -> None:
        async with opened(url) as database:
            runs = Runs(database, days=DAYS)
            kinds = [self._write] * WRITERS + [self._forget, self._play, self._clear]
            tasks = [asyncio.create_task(kind(runs, self._numbers(task))) for task, kind in enumerate(kinds)]
            await asyncio.to_thread(self._lines.recv)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            await runs.flush()
            self._lines.send(("ended",))

    def _numbers(self, task: int) -> Iterator[int]:
        return itertools.count(self._first + task * _EACH)

    async def _write(self, runs: Runs, numbers: Iterator[int]) -> None:
        for number in numbers:
            await runs.keep(made(number, self._now))
            self._lines.send(("kept", number, self._now))
            await runs.flush()

    async def _forget(self, runs: Runs, numbers: Iterator[int]) -> None:
        """Person after person keeps two runs and wants to be forgotten."""
        for number in numbers:
            for run in (made(number, self._now), made(next(numbers), self._now)):
                await runs.keep(replace(run, owner=number))
            with suppress(StoreUnavailable):
                await runs.forget(number)
                self._lines.send(("forgot", number))

    async def _play(self, runs: Runs, numbers: Iterator[int]) -> None:
        """Everybody votes, and then votes for something else."""
        for number in numbers:
            round_ = Round(run_id(number), 7, _CHOICES, _CHOICES[0])
            await runs.keep(made_walk(number, self._now), round_)
            self._lines.send(("opened", number, self._now))
            for person, turn in itertools.product(VOTERS, range(2)):
                token = _CHOICES[(person + turn) % len(_CHOICES)]
                self._lines.send(("voting", number, person, token))
                with suppress(StoreUnavailable):
                    if (await runs.rounds.vote(run_id(number), person, token)).counts:
                        self._lines.send(("voted", number, person, token))
            with suppress(StoreUnavailable):
                await runs.rounds.reveal(run_id(number))

    async def _clear(self, runs: Runs, numbers: Iterator[int]) -> None:
        """What is too old is kept, and deleted again."""
        for number in numbers:
            await runs.keep(made(number, asked_at=1.0))
            with suppress(StoreUnavailable):
                await runs.delete_old()
