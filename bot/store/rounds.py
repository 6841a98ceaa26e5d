"""The rounds of ``/guess``, their votes, and the scores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Integer, Select, cast, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import RunExpired
from bot.features.guess import Cast, Round, Score
from bot.model.model_info import GPT2_ENCODING
from bot.store import tables
from bot.store.database import Database

_rounds, _votes, _runs = tables.rounds.c, tables.votes.c, tables.runs.c


class Rounds:
    """Rounds, found by the ids of their runs, with which they are stored and deleted.

    ``oldest`` gives the time before which runs are no longer kept. All methods raise
    StoreUnavailable if the database fails.
    """

    def __init__(self, database: Database, *, days: int, oldest: Callable[[], float]) -> None:
        self._database = database
        self._oldest = oldest
        self.days = days

    async def find(self, run_id: str) -> Round:
        """The round as it stands; RunExpired if it is no longer kept."""
        async with self._database.transaction() as connection:
            # The round first: once it is over, its votes no longer change.
            row = (
                await connection.execute(select(tables.rounds).where(_rounds.run_id == run_id))
            ).one_or_none()
            votes = await connection.execute(
                select(_votes.person, _votes.token_id).where(_votes.run_id == run_id).order_by(_votes.person)
            )
            if row is None:
                raise RunExpired(days=self.days)
            return Round(
                run_id=run_id,
                guild=row.guild,
                choices=tuple(row.choices),
                top_guess=row.favourite,
                revealed=row.revealed,
                votes={vote.person: vote.token_id for vote in votes},
            )

    async def vote(self, run_id: str, person: int, token_id: int) -> Cast:
        """Set or change the person's vote, if the round is not over and has such a choice."""
        mine = (_votes.run_id == run_id) & (_votes.person == person)
        choices = select(_rounds.choices).where(_rounds.run_id == run_id)
        async with self._database.transaction() as connection:
            if not await _held(connection, run_id):
                return Cast(counts=False)
            if token_id not in (await connection.scalar(choices) or ()):
                return Cast(counts=False)
            before = await connection.scalar(select(_votes.token_id).where(mine))
            if before is None:
                vote = insert(tables.votes).values(run_id=run_id, person=person, token_id=token_id)
                await connection.execute(vote)
            else:
                await connection.execute(update(tables.votes).where(mine).values(token_id=token_id))
            return Cast(counts=True, before=before)

    async def reveal(self, run_id: str) -> None:
        """End the round, if it is not over already."""
        async with self._database.transaction() as connection:
            await connection.execute(
                update(tables.rounds).where(_rounds.run_id == run_id).values(revealed=True)
            )

    async def scores(self, guild: int) -> tuple[Score, ...]:
        """The score of each player on a server, the best first, over all finished rounds there."""
        right = func.sum(cast(_votes.token_id == _rounds.favourite, Integer))
        scores = (
            select(_votes.person, right, func.count())
            .select_from(tables.votes.join(tables.rounds).join(tables.runs))
            .where(_rounds.guild == guild, _rounds.revealed, _runs.asked_at >= self._oldest())
            .group_by(_votes.person)
            .order_by(right.desc(), func.count(), _votes.person)
        )
        async with self._database.transaction() as connection:
            rows = await connection.execute(scores)
            return tuple(Score(person, int(found), played) for person, found, played in rows)

    async def latest(
        self, guild: int | None, owner: int, *, limit: int, encoding: str = GPT2_ENCODING
    ) -> list[tuple[int, ...]]:
        """The prompts of the latest rounds on a server, or of ``owner``'s in direct messages.

        Prompts in another ``encoding`` are left out.
        """
        async with self._database.transaction() as connection:
            rows = await connection.execute(_latest(guild, owner).limit(limit))
            return [
                tuple(prompt_ids)
                for prompt_ids, fingerprint in rows
                if fingerprint.get("encoding", GPT2_ENCODING) == encoding
            ]


async def _held(connection: AsyncConnection, run_id: str) -> bool:
    """Whether the round goes on, and will until this transaction has ended.

    Writing to its row makes every other vote and the reveal wait, in SQLite as in PostgreSQL: so
    no vote is lost, and none is counted after the reveal.
    """
    going_on = (_rounds.run_id == run_id) & ~_rounds.revealed
    held = await connection.execute(update(tables.rounds).where(going_on).values(revealed=False))
    return held.rowcount == 1


def _latest(guild: int | None, owner: int) -> Select[tuple[Any, Any]]:
    here = _rounds.guild == guild if guild is not None else _rounds.guild.is_(None) & (_runs.owner == owner)
    return (
        select(_runs.prompt_ids, _runs.fingerprint)
        .select_from(tables.rounds.join(tables.runs))
        .where(here)
        .order_by(_runs.asked_at.desc())
    )
