"""The record of finished runs, for buttons, replays and identical requests.

A button's ``custom_id`` carries a run id; the run itself is in the database until
it is too old, or its owner asks the bot to forget.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace

from sqlalchemy import Select, or_, select, union

from bot.errors import RunExpired, StoreUnavailable, Withheld
from bot.features.complete import CompletionJob, CompletionRun
from bot.features.guess import Round
from bot.features.next import Walk, WalkRun
from bot.model.model_info import Fingerprint
from bot.store import tables
from bot.store.database import Database
from bot.store.forgetting import Forgotten, Stored, Texts, count, erase
from bot.store.marks import Marks, keep_from_storing
from bot.store.outbox import Outbox
from bot.store.portions import Size, delete_these, some_old
from bot.store.rounds import Rounds
from bot.store.rows import Run, question, run_of

log = logging.getLogger(__name__)

DAY = 86_400.0
# Seconds between two portions of old runs: others may want the database meanwhile.
_BETWEEN = 0.05


def _allow(_run: Run) -> None:
    """Nothing is withheld."""


def _group_of(run: Run) -> str | None:
    return run.group if isinstance(run, CompletionRun) else None


class Runs:
    """Finished runs, found by their ids for ``days`` days.

    ``clock`` gives seconds since 1970. Cards are shown even if the database fails: what cannot
    be written waits, and is written with what comes next. ``check`` raises Withheld for a run
    that must not be shown. ``rounds`` are the games played on runs, and are deleted with them.
    """

    def __init__(
        self,
        database: Database,
        *,
        days: int,
        clock: Callable[[], float] = time.time,
        check: Callable[[Run], None] = _allow,
    ) -> None:
        self._database = database
        self._days = days
        self._clock = clock
        self._check = check
        self._outbox = Outbox(database, clock)
        self._marks = Marks(database, clock)
        # Whether the database files may still hold something deleted, by an earlier process too.
        self._is_unwiped = True
        self._wiping = asyncio.Lock()
        self.rounds = Rounds(database, days=days, oldest=self._oldest)

    @property
    def unsaved(self) -> int:
        """How many runs wait to be stored."""
        return len(self._outbox)

    def now(self) -> float:
        return self._clock()

    async def keep(self, run: Run, round_: Round | None = None, *, channel: int | None = None) -> None:
        """Store ``run``, and the round that begins with it, if any.

        ``channel`` saw it: others who request the same there may be shown it again. Nothing is
        stored if its owner, or a person from whose runs it was made, was forgotten meanwhile.
        """
        self._outbox.put(run, round_, channel=channel)
        await self._outbox.send()

    async def flush(self) -> None:
        """Store now what the database did not take before."""
        await self._outbox.send(at_once=True)

    async def is_kept(self, run_id: str) -> bool:
        return await self._find(run_id) is not None

    async def siblings(self, group: str) -> frozenset[str]:
        """The ids of the runs of a comparison that are kept, by its group: the id of the first.

        StoreUnavailable.
        """
        unsaved = self._outbox.ids(
            lambda run: group in (run.run_id, _group_of(run)) and not self._is_old(run)
        )
        runs = tables.runs.c
        stored = select(runs.run_id).where(
            or_(runs.group == group, runs.run_id == group), runs.asked_at >= self._oldest()
        )
        async with self._database.transaction() as connection:
            return frozenset(unsaved) | frozenset(await connection.scalars(stored))

    async def get(self, run_id: str) -> Run:
        """The run with this id; RunExpired if it is no longer kept, Withheld, or StoreUnavailable."""
        run = await self._find(run_id)
        if run is None:
            raise RunExpired(days=self._days)
        self._check(run)
        return run

    async def completion(self, run_id: str) -> CompletionRun:
        """The completion with this id; raises as :meth:`get`, RunExpired if it is something else."""
        run = await self.get(run_id)
        if not isinstance(run, CompletionRun):
            raise RunExpired(days=self._days)
        return run

    async def walk(self, run_id: str) -> WalkRun:
        """The walk's state with this id; raises as :meth:`get`, RunExpired if it is something else."""
        run = await self.get(run_id)
        if not isinstance(run, WalkRun):
            raise RunExpired(days=self._days)
        return run

    async def answer(
        self, asked: CompletionJob | Walk, fingerprint: Fingerprint, *, channel: int | None = None
    ) -> Run | None:
        """A run whose tokens are what ``asked`` would get: its owner's own, or one that ``channel`` saw.

        That any other such run exists must not be revealed. None if there is none, it must not be
        shown, or the database fails: then the model is asked.
        """
        runs = tables.runs.c
        own = select(runs.run_id).where(
            runs.owner == asked.owner, runs.question == question(asked, fingerprint)
        )
        seen = select(tables.answers.c.run_id).where(
            tables.answers.c.question == question(asked, fingerprint, channel)
        )
        # Not "own or seen": PostgreSQL would try all that are kept, the latest first.
        known = own if channel is None else union(own, seen)
        try:
            run = await self._first(self._kept().where(runs.run_id.in_(known)).order_by(runs.asked_at.desc()))
            if run is not None:
                self._check(run)
        except StoreUnavailable as error:
            log.error("stored runs cannot be read: %s", error.detail)
            return None
        except Withheld:
            return None
        return run

    async def stored(self, person: int, *, ours: Texts = ()) -> Stored:
        """How much :meth:`forget` would delete; StoreUnavailable."""
        async with self._database.transaction() as connection:
            found = await count(connection, person, ours)
        return replace(found, runs=found.runs + len(self._outbox.ids(lambda run: run.owner == person)))

    async def forget(self, person: int, *, ours: Texts = ()) -> Forgotten:
        """Delete all that is stored about ``person``: runs and votes.

        What others made from their runs holds their texts, and goes too. Rounds that they began stay for the
        other players, without the person, and without their text unless it is one of ``ours``. Runs in
        progress for them, or from theirs, will not be stored either. StoreUnavailable.
        """
        async with self._outbox.held():
            async with self._database.transaction() as connection:
                await keep_from_storing(connection, person)
                gone, is_any = await erase(connection, person, ours)
                await self._marks.forgotten(connection, person)
            unsaved = self._outbox.drop(lambda run: run.owner == person)
            self._outbox.drop(lambda run: person in run.sources)
            if is_any:
                await self._note_deleted()
        return Forgotten(gone.runs + unsaved, gone.votes, gone.rounds, pending=not await self.wipe())

    async def wipe(self) -> bool:
        """Wipe what was deleted out of the database files; True if nothing of it is left there."""
        async with self._wiping:
            if self._is_unwiped:
                self._is_unwiped, is_wiped = False, False  # what is deleted meanwhile sets it again
                try:
                    is_wiped = await self._database.wipe()
                finally:
                    self._is_unwiped |= not is_wiped
            return not self._is_unwiped

    async def others_deleted(self) -> bool:
        """Whether other processes have deleted texts since the last call; False if the database fails."""
        try:
            is_new = await self._marks.are_new()
            if await self._marks.delete_old():
                self._is_unwiped = True
        except StoreUnavailable:
            return False
        return is_new

    async def delete_old(self) -> int:
        """Delete runs that are too old; return how many. StoreUnavailable."""
        return sum([deleted async for deleted in self.deleting_old()])

    async def deleting_old(self) -> AsyncGenerator[int]:
        """Delete runs that are too old, in portions between which others get their turn.

        Yield how many each portion had. StoreUnavailable, after which the portions before are gone.
        """
        oldest, size, is_any, is_more = self._oldest(), Size(), False, True
        if unsaved := self._outbox.drop(self._is_old):
            yield unsaved
        try:
            while is_more:
                wanted = size.now
                if deleted := await self._delete_some(oldest, size):
                    is_any = True
                    yield deleted
                if is_more := deleted == wanted:
                    await asyncio.sleep(_BETWEEN)
        finally:
            if is_any:
                await self._note_deleted()
                await self._marks.deleted_old()

    async def _delete_some(self, oldest: float, size: Size) -> int:
        """Delete a portion of the runs from before ``oldest``; return how many, 0 if there are none."""
        async with self._database.transaction() as connection:
            run_ids = await some_old(connection, oldest, size.now)
            if not run_ids:
                return 0
            began = time.monotonic()
            deleted = await delete_these(connection, run_ids)
        size.took(time.monotonic() - began)
        return deleted

    async def _find(self, run_id: str) -> Run | None:
        if (run := self._outbox.get(run_id)) and not self._is_old(run):
            return run
        return await self._first(self._kept().where(tables.runs.c.run_id == run_id))

    async def _first(self, query: Select[tuple[object, ...]]) -> Run | None:
        sources = tables.sources.c
        async with self._database.transaction() as connection:
            row = (await connection.execute(query.limit(1))).mappings().first()
            if row is None:
                return None
            people = await connection.scalars(
                select(sources.person).where(sources.run_id == row[tables.runs.c.run_id])
            )
            return run_of(dict(row), people)

    async def _note_deleted(self) -> None:
        """Wipe what was just deleted, or log that this has to wait."""
        self._is_unwiped = True
        if not await self.wipe():
            log.warning("what was deleted is still in the database's files: another program is reading them")

    def _kept(self) -> Select[tuple[object, ...]]:
        """Runs that are not too old, even if none were deleted for a while."""
        return select(tables.runs).where(tables.runs.c.asked_at >= self._oldest())

    def _is_old(self, run: Run) -> bool:
        return run.asked_at < self._oldest()

    def _oldest(self) -> float:
        return self._clock() - self._days * DAY
