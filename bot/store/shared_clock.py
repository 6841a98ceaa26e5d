"""The clock by which several processes compare times: their database's, since those of machines differ.

SQLite has only one process, whose own clock it is.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import ColumnElement, Float, cast, extract, func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

# Seconds since 1970, in a statement to PostgreSQL: when this statement began. Its transaction may have waited
# for a lock before, and clock_timestamp() changes meanwhile, so that no index is used.
SERVER_NOW: ColumnElement[float] = cast(extract("epoch", func.statement_timestamp()), Float)


def shared_now(connection: AsyncConnection, own: Callable[[], float]) -> ColumnElement[float]:
    """Seconds since 1970 by the clock that all processes share; ``own`` is this process's."""
    return literal(own(), Float) if connection.dialect.name == "sqlite" else SERVER_NOW


async def lead(connection: AsyncConnection, own: Callable[[], float]) -> float:
    """By how many seconds the shared clock is ahead of ``own``; too few by as long as the answer took."""
    if connection.dialect.name == "sqlite":
        return 0.0
    now: float = (await connection.execute(select(SERVER_NOW))).scalar_one()
    return now - own()
