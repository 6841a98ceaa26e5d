"""Runs on their way into the database, which may fail for a while."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import insert, select

from bot.errors import StoreUnavailable
from bot.features.guess import Round
from bot.store import tables
from bot.store.common import PATIENCE
from bot.store.database import Database
from bot.store.rows import Run, answer_row, round_row, row_of, source_rows

log = logging.getLogger(__name__)

# While the database fails, so many runs wait in memory for it to come back.
AT_MOST = 1_000
# So many are written at once: more would hold up the event loop.
BATCH = 50
# Seconds that somebody waits for their card at most: it is shown then, and its run is stored later.
LONGEST = 2 * PATIENCE
# Seconds after a failure before the next attempt.
PAUSE = 5.0


@dataclass(frozen=True, slots=True)
class _Letter:
    """What is written together: a run, the round that is played on it, if one is, and where it was seen."""

    run: Run
    round: Round | None
    channel: int | None


class Outbox:
    """What waits to be written, the oldest first. ``clock`` gives seconds.

    It waits in memory: of a process that is killed while the database fails, what
    waits is lost, and nothing else. How much that is, the log says when it begins.
    """

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self._letters: OrderedDict[str, _Letter] = OrderedDict()
        self._sending = asyncio.Lock()
        self._not_before = 0.0
        self._is_failing = False

    def __len__(self) -> int:
        return len(self._letters)

    def get(self, run_id: str) -> Run | None:
        letter = self._letters.get(run_id)
        return None if letter is None else letter.run

    def put(self, run: Run, round_: Round | None = None, *, channel: int | None = None) -> None:
        """Let ``run`` wait, with the round on it; where too many do, the oldest is lost."""
        self._letters[run.run_id] = _Letter(run, round_, channel)
        while len(self._letters) > AT_MOST:
            lost, _ = self._letters.popitem(last=False)
            log.error("run %s is lost: too many wait for the database", lost)

    def ids(self, wanted: Callable[[Run], bool]) -> list[str]:
        """The ids of the ``wanted`` runs, the oldest first."""
        return [run_id for run_id, letter in self._letters.items() if wanted(letter.run)]

    def drop(self, unwanted: Callable[[Run], bool]) -> int:
        """Take out all ``unwanted`` ones; how many."""
        dropped = self.ids(unwanted)
        for run_id in dropped:
            del self._letters[run_id]
        return len(dropped)

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Nothing is written meanwhile."""
        async with self._sending:
            yield

    async def send(self, *, at_once: bool = False) -> None:
        """Write what waits. If the database failed a moment ago, it goes on waiting, unless ``at_once``.

        Without that, nothing is waited for longer than LONGEST.
        """
        if not at_once and self._clock() < self._not_before:
            return
        try:
            async with asyncio.timeout(None if at_once else LONGEST):
                await self._send(at_once=at_once)
        except TimeoutError:
            self._failed(f"no answer within {LONGEST:g} seconds")

    async def _send(self, *, at_once: bool) -> None:
        async with self._sending:
            try:
                while self._letters and (at_once or self._clock() >= self._not_before):
                    await self._send_some()
            except StoreUnavailable as error:
                self._failed(error.detail)
            if self._is_failing and not self._letters:
                self._is_failing = False
                log.warning("all runs that waited for the database are stored")

    def _failed(self, how: str) -> None:
        """Tell of it once for each time that it fails, however often it is tried."""
        self._not_before = self._clock() + PAUSE
        if not self._is_failing:
            log.error("%d runs could not be stored yet, and wait in memory: %s", len(self), how)
        self._is_failing = True

    async def _send_some(self) -> None:
        batch = dict(islice(self._letters.items(), BATCH))
        async with self._database.transaction() as connection:
            # A commit whose answer was lost has stored them, though it seemed to fail.
            there = set(
                await connection.scalars(select(tables.runs.c.run_id).where(tables.runs.c.run_id.in_(batch)))
            )
            new = [letter for run_id, letter in batch.items() if run_id not in there]
            if new:
                await connection.execute(insert(tables.runs), [row_of(letter.run) for letter in new])
            answers = (answer_row(letter.run, letter.channel) for letter in new)
            if found_by := [row for row in answers if row]:
                await connection.execute(insert(tables.answers), found_by)
            if sources := [row for letter in new for row in source_rows(letter.run)]:
                await connection.execute(insert(tables.sources), sources)
            if rounds := [round_row(letter.round) for letter in new if letter.round]:
                await connection.execute(insert(tables.rounds), rounds)
        self._not_before = 0.0
        for run_id in batch:
            self._letters.pop(run_id, None)
