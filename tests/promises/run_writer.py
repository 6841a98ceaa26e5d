"""A process that stores runs until it is killed, and reports over a pipe what it has done.

    ("kept", run, asked at)          a run is stored
    ("forgot", person)               everything stored about a person is deleted
    ("opened", run, asked at)        a round is stored
    ("voting", run, person, token)   a vote is about to be stored
    ("voted", run, person, token)    it is stored
    ("ended",)                       it ends as requested, with nothing left to store

Runs are numbered, and made from their number alone, so the reader can make the same ones.
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
# Run numbers reserved for each process, and for each of its tasks.
NUMBERS = 600_000
_EACH = NUMBERS // (WRITERS + 3)
_CHOICES = (257, 262, 530, 407)


def run_id(number: int) -> str:
    return f"{number:016x}"


def make_run(number: int, asked_at: float) -> CompletionRun:
    """A text of up to 60 tokens, by a person who has no other."""
    chance = Random(number)
    prompt = tuple(chance.randrange(50_257) for _ in range(chance.randint(1, 40)))
    tokens = [chance.randrange(50_257 - 5) for _ in range(chance.randint(1, 60))]
    return completion_run(run_id(number), *tokens, owner=number, prompt_ids=prompt, asked_at=asked_at)


def make_walk(number: int, asked_at: float) -> WalkRun:
    return walk_run(run_id(number), number % 50_257, owner=number, asked_at=asked_at)


def _round(number: int) -> Round:
    return Round(run_id(number), 7, _CHOICES, _CHOICES[0])


def write_until_killed(url: str, first: int, lines: Connection) -> None:
    """The process's main function; its runs are numbered from ``first``. Any message on the pipe ends it."""
    logging.disable()  # the figures say how the database failed
    asyncio.run(_Writer(lines, first).work(url))


class _Writer:
    def __init__(self, lines: Connection, first: int) -> None:
        self._lines = lines
        self._first = first
        self._now = float(int(time.time()))

    async def work(self, url: str) -> None:
        async with opened(url) as database:
            await database.prepare()  # as the bot does
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
            await runs.keep(make_run(number, self._now))
            self._lines.send(("kept", number, self._now))
            await runs.flush()

    async def _forget(self, runs: Runs, numbers: Iterator[int]) -> None:
        """One person after another stores two runs, begins a round in which others vote, and is forgotten."""
        for number in numbers:
            for run in (make_run(number, self._now), make_run(next(numbers), self._now)):
                await runs.keep(replace(run, owner=number))
            begun = next(numbers)
            walk = make_walk(begun, self._now)
            await runs.keep(replace(walk, walk=replace(walk.walk, owner=number)), _round(begun))
            await self._vote(runs, begun, number % 6 + 1, _CHOICES[0])
            with suppress(StoreUnavailable):
                await runs.forget(number)
                self._lines.send(("forgot", number))

    async def _play(self, runs: Runs, numbers: Iterator[int]) -> None:
        """Each voter votes, then changes their vote."""
        for number in numbers:
            await runs.keep(make_walk(number, self._now), _round(number))
            self._lines.send(("opened", number, self._now))
            for person, turn in itertools.product(VOTERS, range(2)):
                await self._vote(runs, number, person, _CHOICES[(person + turn) % len(_CHOICES)])
            with suppress(StoreUnavailable):
                await runs.rounds.reveal(run_id(number))

    async def _vote(self, runs: Runs, number: int, person: int, token: int) -> None:
        self._lines.send(("voting", number, person, token))
        with suppress(StoreUnavailable):
            if (await runs.rounds.vote(run_id(number), person, token)).counts:
                self._lines.send(("voted", number, person, token))

    async def _clear(self, runs: Runs, numbers: Iterator[int]) -> None:
        """Store runs that are too old, and delete them."""
        for number in numbers:
            await runs.keep(make_run(number, asked_at=1.0))
            with suppress(StoreUnavailable):
                await runs.delete_old()
