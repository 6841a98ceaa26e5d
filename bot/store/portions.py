"""Runs deleted a few at a time, so that nobody waits long for a lock."""

from __future__ import annotations

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store import tables

# Runs deleted by one statement: a server answers it well within PATIENCE.
IN_A_STATEMENT = 500
# Seconds that a portion of retention's may hold its locks. A quarter of what is promised: the next one may
# take longer than the last, above all if SQLite then copies its journal into the file. That waits for a
# thousand pages, so how long the last portions took says nothing about it, and a portion is never large.
_AIM = 0.025
_FEWEST, _FIRST, _MOST = 5, 50, 100

_runs = tables.runs.c


class Size:
    """How many runs to delete at once: fewer where the last ones took long."""

    def __init__(self) -> None:
        self.now = _FIRST

    def took(self, seconds: float) -> None:
        """The last portion held its locks for so long. Grow carefully, and shrink at once."""
        fitting = 2 * self.now if seconds <= 0 else int(self.now * _AIM / seconds)
        self.now = max(_FEWEST, min(_MOST, 2 * self.now, fitting))


async def some_old(connection: AsyncConnection, oldest: float, size: int) -> list[str]:
    """The ids of the oldest runs from before ``oldest``; none that another transaction is changing.

    On PostgreSQL they are locked from now on. SQLite locks no rows, and is locked by the first change.
    """
    found = select(_runs.run_id).where(_runs.asked_at < oldest).order_by(_runs.asked_at).limit(size)
    return list(await connection.scalars(found.with_for_update(skip_locked=True)))


async def delete_these(connection: AsyncConnection, run_ids: list[str]) -> int:
    """Delete them with what belongs to them; return how many there were."""
    return (await connection.execute(delete(tables.runs).where(_runs.run_id.in_(run_ids)))).rowcount


async def delete_all(connection: AsyncConnection, which: ColumnElement[bool]) -> int:
    """Delete every run that is so, in one transaction but in several statements; return how many."""
    found = select(_runs.run_id).where(which).limit(IN_A_STATEMENT)
    deleted = 0
    while run_ids := list(await connection.scalars(found)):
        deleted += await delete_these(connection, run_ids)
    return deleted
