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
from bot.quoting import plural
from bot.store import tables
from bot.store.backend import PATIENCE
from bot.store.database import Database
from bot.store.marks import unwanted
from bot.store.rows import Run, answer_row, round_row, row_of, source_rows

log = logging.getLogger(__name__)

# While the database fails, this many runs at most wait in memory for it to come back.
AT_MOST = 1_000
# This many are written at once: more would hold up the event loop.
BATCH = 50
# Seconds that a card waits at most for its run to be stored; after that it is shown, and stored later.
LONGEST = 2 * PATIENCE
# Seconds after a failure before the next attempt.
PAUSE = 5.0


@dataclass(frozen=True, slots=True)
class _Letter:
    """What is written together: a run, a round that is played on it, and the channel that saw it."""

    run: Run
    round: Round | None
    channel: int | None


class Outbox:
    """Runs that wait to be written, the oldest first. ``clock`` gives seconds since 1970.

    Those of which a person was forgotten meanwhile are dropped instead, whichever process forgot them.

    They wait in memory: a process that is killed while the database fails loses them, and nothing
    else. The log says when runs begin to wait.
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
        """Let ``run`` wait, with the round on it; if too many wait, the oldest is lost."""
        self._letters[run.run_id] = _Letter(run, round_, channel)
        while len(self._letters) > AT_MOST:
            lost, _ = self._letters.popitem(last=False)
            log.error("run %s is lost: too many are waiting for the database", lost)

    def ids(self, wanted: Callable[[Run], bool]) -> list[str]:
        """The ids of the ``wanted`` runs, the oldest first."""
        return [run_id for run_id, letter in self._letters.items() if wanted(letter.run)]

    def drop(self, unwanted: Callable[[Run], bool]) -> int:
        """Take out all ``unwanted`` ones; return how many."""
        dropped = self.ids(unwanted)
        for run_id in dropped:
            del self._letters[run_id]
        return len(dropped)

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Keep anything from being written meanwhile."""
        async with self._sending:
            yield

    async def send(self, *, at_once: bool = False) -> None:
        """Write what waits, unless the database failed a moment ago. Take no longer than LONGEST.

        ``at_once`` lifts both limits.
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
        """Log a failure once, however many attempts it lasts."""
        self._not_before = self._clock() + PAUSE
        if not self._is_failing:
            log.error("%s not stored yet, kept in memory: %s", plural(len(self), "run"), how)
        self._is_failing = True

    async def _send_some(self) -> None:
        batch = dict(islice(self._letters.items(), BATCH))
        async with self._database.transaction() as connection:
            # A commit that seemed to fail may have stored them, and only its answer was lost.
            there = set(
                await connection.scalars(select(tables.runs.c.run_id).where(tables.runs.c.run_id.in_(batch)))
            )
            new = [letter for run_id, letter in batch.items() if run_id not in there]
            dropped = await unwanted(connection, [letter.run for letter in new], self._clock)
            new = [letter for letter in new if letter.run.run_id not in dropped]
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
