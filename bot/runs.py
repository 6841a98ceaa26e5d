"""The record of finished runs that buttons, replays and identical requests refer to.

A button's ``custom_id`` carries a run id; the run itself is in the database until
it is older than the retention, or its owner asks for it to be deleted.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Delete, Select, delete, insert, or_, select

from bot.completions import CompletionJob, CompletionRun
from bot.errors import RunExpired, StoreUnavailable
from bot.model.protocol import Fingerprint
from bot.store import tables
from bot.store.database import Database
from bot.store.rounds import Rounds
from bot.store.rows import Run, question, row_of, run_of
from bot.walks import Walk, WalkRun

log = logging.getLogger(__name__)

DAY = 86_400.0
# While the database fails, so many runs wait in memory for it to come back.
MOST_UNSAVED = 1_000


class Runs:
    """Finished runs, found by their ids for ``days`` days.

    ``clock`` gives seconds since 1970. A database that fails costs nobody their
    answer: what cannot be written waits, and is written with what comes next.
    ``rounds`` are the games that are played on runs, and go with them.
    """

    def __init__(self, database: Database, *, days: int, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._days = days
        self._clock = clock
        self._claimed: set[str] = set()
        self._unsaved: OrderedDict[str, Run] = OrderedDict()
        self._writing = asyncio.Lock()
        self.rounds = Rounds(database, days=days, oldest=self._oldest)

    def now(self) -> float:
        return self._clock()

    async def keep(self, run: Run) -> None:
        self._unsaved[run.run_id] = run
        while len(self._unsaved) > MOST_UNSAVED:
            self._unsaved.popitem(last=False)
        try:
            await self._save()
        except StoreUnavailable as error:
            log.error("%d runs could not be stored: %s", len(self._unsaved), error.detail)

    async def any(self, run_id: str) -> Run:
        """What has this id; RunExpired if it is not kept any more, or StoreUnavailable."""
        run = await self._find(run_id)
        if run is None:
            raise RunExpired(days=self._days)
        return run

    async def completion(self, run_id: str) -> CompletionRun:
        """The completion with this id; RunExpired if it is not kept any more, or StoreUnavailable."""
        run = await self._find(run_id)
        if not isinstance(run, CompletionRun):
            raise RunExpired(days=self._days)
        return run

    async def walk(self, run_id: str) -> WalkRun:
        """The walk's state with this id; RunExpired if it is not kept any more, or StoreUnavailable."""
        run = await self._find(run_id)
        if not isinstance(run, WalkRun):
            raise RunExpired(days=self._days)
        return run

    async def answer(self, asked: CompletionJob | Walk, fingerprint: Fingerprint) -> Run | None:
        """A run whose tokens are what ``asked`` would get, that its owner may see.

        None if there is none, or the database fails: then the model is asked.
        """
        runs = tables.runs.c
        found = self._kept().where(
            runs.question == question(asked, fingerprint),
            or_(runs.owner == asked.owner, ~runs.private),
        )
        try:
            return await self._first(found.order_by(runs.asked_at.desc()))
        except StoreUnavailable as error:
            log.error("stored runs cannot be read: %s", error.detail)
            return None

    async def forget(self, owner: int) -> int:
        """Delete all that is stored of ``owner``: their runs, the rounds that they began, their votes.

        Gives how many runs there were. StoreUnavailable.
        """
        async with self._writing:
            # Runs first, then votes: everybody who writes to several tables does so in this order.
            stored, _ = await self._delete(
                delete(tables.runs).where(tables.runs.c.owner == owner),
                delete(tables.votes).where(tables.votes.c.person == owner),
            )
            unsaved = [run_id for run_id, run in self._unsaved.items() if run.owner == owner]
            for run_id in unsaved:
                del self._unsaved[run_id]
        return stored + len(unsaved)

    async def delete_old(self) -> int:
        """Delete what is older than it may get; how many runs. StoreUnavailable."""
        (deleted,) = await self._delete(delete(tables.runs).where(tables.runs.c.asked_at < self._oldest()))
        return deleted

    @contextmanager
    def claimed(self, run_id: str) -> Iterator[bool]:
        """Whether nobody else holds the claim to change this run's card, which then is held."""
        mine = run_id not in self._claimed
        self._claimed.add(run_id)
        try:
            yield mine
        finally:
            if mine:
                self._claimed.discard(run_id)

    async def _find(self, run_id: str) -> Run | None:
        if run := self._unsaved.get(run_id):
            return run
        return await self._first(self._kept().where(tables.runs.c.run_id == run_id))

    async def _save(self) -> None:
        async with self._writing:
            waiting = dict(self._unsaved)
            if not waiting:  # somebody else has written this one, too
                return
            async with self._database.transaction() as connection:
                await connection.execute(insert(tables.runs), [row_of(run) for run in waiting.values()])
            for run_id in waiting:
                self._unsaved.pop(run_id, None)

    async def _first(self, query: Select[tuple[object, ...]]) -> Run | None:
        async with self._database.transaction() as connection:
            row = (await connection.execute(query.limit(1))).mappings().first()
        return None if row is None else run_of(dict(row))

    async def _delete(self, *statements: Delete) -> list[int]:
        """How many rows each has deleted, in one transaction."""
        async with self._database.transaction() as connection:
            return [(await connection.execute(statement)).rowcount for statement in statements]

    def _kept(self) -> Select[tuple[object, ...]]:
        """What the clock still allows, also where nothing has been deleted for a while."""
        return select(tables.runs).where(tables.runs.c.asked_at >= self._oldest())

    def _oldest(self) -> float:
        return self._clock() - self._days * DAY
