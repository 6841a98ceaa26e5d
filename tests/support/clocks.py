"""Clocks that a test sets."""

from __future__ import annotations

from dataclasses import dataclass

from bot.store import tables
from bot.store.database import Database


@dataclass(eq=False, slots=True)
class Clock:
    """Called, it is ``now``, in seconds."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


async def let_pass(database: Database, seconds: float) -> None:
    """Let ``seconds`` pass by the database's own clock: what processes compare with it moves back instead."""
    claims, forgotten = tables.claims, tables.forgotten
    async with database.transaction() as connection:
        await connection.execute(claims.update().values(until=claims.c.until - seconds))
        await connection.execute(forgotten.update().values(at=forgotten.c.at - seconds))
