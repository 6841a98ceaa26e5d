"""Marks that a person was forgotten, for as long as something of theirs may be in progress in any process.

What one process writes while another forgets its owner must not be stored afterwards. So the mark is in the
database, and is looked for in the transaction that stores runs. By the marks, too, each process learns that
others have deleted texts, of which its model may still keep something in memory.

A mark has the time of the clock that all processes share: their own need not agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

from sqlalchemy import ARRAY, ColumnElement, Integer, bindparam, delete, func, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store import tables
from bot.store.database import Database
from bot.store.process_locks import Lock
from bot.store.rows import Run
from bot.store.shared_clock import lead, shared_now

# Seconds: Discord takes an answer for 900, and storing it takes a moment more.
LASTING = 960.0
# In place of a person: texts that got too old were deleted.
_TOO_OLD = "too old"

_marks = tables.forgotten.c


class Marks:
    """The marks in ``database``. ``clock`` gives seconds since 1970, as this process has them."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self._known: frozenset[tuple[str, float]] = frozenset()
        self._are_some_over = False

    async def forgotten(self, connection: AsyncConnection, person: int) -> None:
        """Mark that ``person`` is forgotten in this transaction, which began by :func:`keep_from_storing`."""
        await self._set(connection, _digest(person))

    async def deleted_old(self) -> None:
        """Mark that texts were too old, unless there is only one process; StoreUnavailable."""
        if self._database.is_shared:
            async with self._database.transaction() as connection:
                await _lock(connection, [_TOO_OLD], is_shared=False)
                await self._set(connection, _TOO_OLD)

    async def are_new(self) -> bool:
        """Whether other processes have set marks since the last call; StoreUnavailable."""
        async with self._database.transaction() as connection:
            asked = select(_marks.key, _marks.at, self._is_over(connection).label("is_over"))
            rows = (await connection.execute(asked)).all()
        found = frozenset((row.key, row.at) for row in rows)
        is_new, self._known = not found <= self._known, found
        self._are_some_over = any(row.is_over for row in rows)
        return is_new

    async def delete_old(self) -> bool:
        """Delete the marks that have lasted long enough, if :meth:`are_new` saw any; whether it did.

        StoreUnavailable.
        """
        if not self._are_some_over:
            return False
        async with self._database.transaction() as connection:
            await connection.execute(delete(tables.forgotten).where(self._is_over(connection)))
        self._are_some_over = False
        return True

    def _is_over(self, connection: AsyncConnection) -> ColumnElement[bool]:
        """Whether a mark has lasted long enough."""
        return _marks.at < shared_now(connection, self._clock) - LASTING

    async def _set(self, connection: AsyncConnection, key: str) -> None:
        now: float = (await connection.execute(select(shared_now(connection, self._clock)))).scalar_one()
        await connection.execute(delete(tables.forgotten).where(_marks.key == key))
        await connection.execute(insert(tables.forgotten).values(key=key, at=now))
        self._known |= {(key, now)}


async def keep_from_storing(connection: AsyncConnection, person: int) -> None:
    """Let nobody store runs of ``person``, or made from theirs, until this transaction has ended."""
    await _lock(connection, [_digest(person)], is_shared=False)


async def unwanted(
    connection: AsyncConnection, runs: Sequence[Run], clock: Callable[[], float]
) -> frozenset[str]:
    """The ids of those of ``runs`` that must not be stored: of their people, some were forgotten since.

    That is since the run began, or, where it was read before, since the run that it was made from. In the
    order of ``runs``, what was made comes after what it was made from. None of these people can be forgotten
    until this transaction has ended. ``clock`` is the one by which the runs began.
    """
    people = {run.run_id: {_digest(person) for person in (run.owner, *run.sources)} for run in runs}
    keys = sorted(set().union(*people.values()))
    await _lock(connection, keys, is_shared=True)
    found = await connection.execute(select(tables.forgotten).where(_marks.key.in_(keys)))
    marks: dict[str, float] = {row.key: row.at for row in found}
    if not marks:
        return frozenset()
    suspects = [run for run in runs if not people[run.run_id].isdisjoint(marks)]
    kept = await _kept(connection, [run.parent for run in suspects if run.parent])
    kept |= {run.run_id for run in runs}
    ahead = await lead(connection, clock)
    for run in suspects:
        began_before = run.asked_at + ahead < max(marks[key] for key in people[run.run_id] & marks.keys())
        if began_before or (run.parent is not None and run.parent not in kept):
            kept.discard(run.run_id)
    return frozenset(people.keys() - kept)


async def _kept(connection: AsyncConnection, run_ids: Sequence[str]) -> set[str]:
    if not run_ids:
        return set()
    return set(
        await connection.scalars(select(tables.runs.c.run_id).where(tables.runs.c.run_id.in_(run_ids)))
    )


async def _lock(connection: AsyncConnection, keys: Iterable[str], *, is_shared: bool) -> None:
    """Hold the keys until the transaction ends; several transactions can share them.

    SQLite has one writer at a time, and refuses one that has read what another has changed since.
    """
    if connection.dialect.name == "sqlite":
        return
    take = func.pg_advisory_xact_lock_shared if is_shared else func.pg_advisory_xact_lock
    numbers = [int.from_bytes(sha256(key.encode()).digest()[:4], signed=True) for key in keys]
    each = func.unnest(bindparam("numbers", numbers, ARRAY(Integer))).column_valued("number")
    await connection.execute(select(take(literal(int(Lock.FORGETTING), Integer), each)))


def _digest(person: int) -> str:
    """What stands for a person: nobody who reads the table sees an id."""
    return sha256(f"forgotten {person}".encode()).hexdigest()[:32]
