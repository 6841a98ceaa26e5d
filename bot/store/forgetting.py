"""What is stored about one person: how much it is, and how it goes."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import (
    ColumnElement,
    Delete,
    String,
    Table,
    Update,
    cast,
    delete,
    func,
    select,
    union,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.features.guess import NO_ONE
from bot.store import tables
from bot.store.portions import delete_all

_runs, _rounds, _votes = tables.runs.c, tables.rounds.c, tables.votes.c

Texts = Collection[tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Stored:
    """How much there is of a person: ``runs`` with their texts, ``votes``, and ``rounds`` of ``/guess``.

    Runs and votes can be deleted. Rounds that they began belong to the other players as well: they stay when
    the person is forgotten, but without them and their text.
    """

    runs: int = 0
    votes: int = 0
    rounds: int = 0

    def exceeds(self, other: Stored) -> bool:
        """Whether there is more of anything than in ``other``."""
        return self.runs > other.runs or self.votes > other.votes or self.rounds > other.rounds


@dataclass(frozen=True, slots=True)
class Forgotten(Stored):
    """What was deleted, and the rounds that stay; ``pending``: the database's files still hold it."""

    pending: bool = False


async def count(connection: AsyncConnection, person: int, ours: Texts) -> Stored:
    """Count what :func:`erase` would delete and keep."""
    begun = _is_round_of(person)
    kept = await _number(connection, tables.runs, begun & _has_text(ours))
    return Stored(
        runs=await _number(connection, tables.runs, _runs.owner == person) - kept,
        votes=await _number(connection, tables.votes, _votes.person == person),
        rounds=await _number(connection, tables.runs, begun),
    )


async def erase(connection: AsyncConnection, person: int, ours: Texts) -> tuple[Stored, bool]:
    """Delete what is stored about ``person``, and what others made from their runs.

    Rounds that others play too lose their owner. They keep their text only if it is one of ``ours``, the
    bot's own, which say nothing about the person. Return how much it was, without what others made, and
    whether there was anything at all.
    """

    async def touched(statement: Delete | Update) -> int:
        return (await connection.execute(statement)).rowcount

    begun, is_mine, is_my_vote = _is_round_of(person), _runs.owner == person, _votes.person == person
    made_from_theirs = select(tables.sources.c.run_id).where(tables.sources.c.person == person)
    # Runs first, then votes: every writer to several tables takes this order.
    made = await delete_all(connection, _runs.run_id.in_(made_from_theirs))
    # Digests of requests: a round without its text answers none.
    of_rounds = tables.answers.c.run_id.in_(select(_runs.run_id).where(begun))
    await touched(delete(tables.answers).where(of_rounds))
    emptied = await touched(update(tables.runs).where(begun & ~_has_text(ours)).values(prompt_ids=()))
    rounds = await touched(update(tables.runs).where(begun).values(owner=NO_ONE, question=None))
    # A round that only they played takes their vote with it.
    votes = await _number(connection, tables.votes, is_my_vote)
    runs = await delete_all(connection, is_mine)
    await touched(delete(tables.votes).where(is_my_vote))
    return Stored(emptied + runs, votes, rounds), any((made, rounds, runs, votes))


async def _number(connection: AsyncConnection, table: Table, where: ColumnElement[bool]) -> int:
    return int(await connection.scalar(select(func.count()).select_from(table).where(where)) or 0)


def _is_round_of(person: int) -> ColumnElement[bool]:
    """Whether a run is a round that ``person`` began and that is others' too.

    That is if it is played on a server, or another person has voted in it.
    """
    mine = tables.runs.alias("mine")
    on_servers = select(_rounds.run_id).join_from(tables.rounds, mine, mine.c.run_id == _rounds.run_id)
    with_others = select(_votes.run_id).join_from(tables.votes, mine, mine.c.run_id == _votes.run_id)
    both = union(
        on_servers.where(mine.c.owner == person, _rounds.guild.is_not(None)),
        with_others.where(mine.c.owner == person, _votes.person != person),
    )
    return (_runs.owner == person) & _runs.run_id.in_(both)


def _has_text(texts: Texts) -> ColumnElement[bool]:
    """Whether a run's prompt is one of ``texts``, as JSON: a damaged row is no obstacle to forgetting."""
    return cast(_runs.prompt_ids, String).in_([json.dumps(text) for text in texts])
