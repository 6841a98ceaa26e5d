"""A database full of made-up runs of every kind, quickly."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from random import Random
from typing import Any

from msgspec import structs
from sqlalchemy import Table, insert

from bot.features.compare import METHODS
from bot.features.complete import CompletionRun
from bot.features.guess import Round
from bot.model.model_info import Fingerprint
from bot.store import tables
from bot.store.database import Database
from bot.store.rows import Run, answer_row, round_row, row_of, source_rows
from tests.support.samples import FINGERPRINT, NOON, completion_run, step, walk_run

GUILD, CHANNEL = 7, 8
# Among the candidates of the step that chose the first of them.
CHOICES = (257, 259, 260, 261)
VOTERS = 3
# Rows that are sent together.
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Kept:
    """A run with what belongs to it."""

    run: Run
    round: Round | None = None
    channel: int | None = None


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes runs that depend on ``number`` alone; ids look random, as they are.

    There are ``people`` of them, and texts have ``tokens``. The first was asked at ``since``, the others
    ``pause`` seconds after one another.
    """

    people: int = 50
    tokens: int = 4
    since: float = NOON
    pause: float = 0.001
    fingerprint: Fingerprint = FINGERPRINT

    def run_id(self, kind: str, number: int) -> str:
        return f"{Random(f'{kind} {number}').getrandbits(64):016x}"

    def completion(self, number: int, kind: str = "completion", **changes: Any) -> CompletionRun:
        ids = [1_000 + (number * 7 + place * 13) % 40_000 for place in range(self.tokens)]
        prompt = (1_000 + number % 40_000, 1_000 + number // 40_000)
        return completion_run(
            self.run_id(kind, number),
            *ids,
            **{
                "owner": self._person(number),
                "asked_at": self._at(number),
                "prompt_ids": prompt,
                "fingerprint": self.fingerprint,
                **changes,
            },
        )

    def make(self, kind: str, number: int) -> Iterator[Kept]:
        """A run of this kind; all six of a comparison."""
        return _KINDS[kind](self, number)

    def _at(self, number: int) -> float:
        return self.since + number * self.pause

    def _person(self, number: int) -> int:
        return 1 + number * 7919 % self.people

    def _completion(self, number: int) -> Iterator[Kept]:
        yield Kept(self.completion(number), channel=CHANNEL)

    def _private(self, number: int) -> Iterator[Kept]:
        yield Kept(self.completion(number, "private", private=True))

    def _continued(self, number: int) -> Iterator[Kept]:
        """From another person's text."""
        parent = self.completion(number)
        owner = self._person(number + 1)
        sources = frozenset({parent.owner} - {owner})
        more = self.completion(number, "continued", owner=owner, parent=parent.run_id)
        yield Kept(replace(more, sources=sources, by_hand=(0,), finish_reason="stop"))

    def _comparison(self, number: int) -> Iterator[Kept]:
        first = self.run_id("comparison", number)[:15]
        for place, method in enumerate(METHODS):
            run = self.completion(number, "comparison")
            params = structs.replace(run.params, temperature=method.temperature, top_p=method.top_p)
            yield Kept(replace(run, run_id=f"{first}{place}", group=f"{first}0", params=params))

    def _walk(self, number: int) -> Iterator[Kept]:
        walk = walk_run(
            self.run_id("walk", number),
            1_000 + number % 40_000,
            asked_at=self._at(number),
            owner=self._person(number),
        )
        yield Kept(walk, channel=CHANNEL)

    def _round(self, number: int) -> Iterator[Kept]:
        yield self._play(number, "round", guild=GUILD + number % 100)

    def _own_round(self, number: int) -> Iterator[Kept]:
        """In direct messages."""
        yield self._play(number, "own round", guild=None)

    def _play(self, number: int, kind: str, guild: int | None) -> Kept:
        owner = self._person(number)
        walk = walk_run(
            self.run_id(kind, number),
            asked_at=self._at(number),
            owner=owner,
            candidates=20,
            prompt_ids=(1_000 + number % 40_000, 11),
        )
        voters = [self._person(number + place) for place in range(VOTERS)] if guild is not None else [owner]
        votes = {person: CHOICES[person % len(CHOICES)] for person in voters}
        top = replace(walk, step=step(CHOICES[0]))
        return Kept(top, Round(walk.run_id, guild, CHOICES, CHOICES[0], bool(number % 4), votes))


_KINDS: dict[str, Callable[[Maker, int], Iterator[Kept]]] = {
    "completion": Maker._completion,
    "private": Maker._private,
    "continued": Maker._continued,
    "comparison": Maker._comparison,
    "walk": Maker._walk,
    "round": Maker._round,
    "own round": Maker._own_round,
}
KINDS = tuple(_KINDS)


async def fill(database: Database, kept: Iterable[Kept], *, skipped: frozenset[str] = frozenset()) -> int:
    """Store the runs without the outbox; return how many.

    ``skipped`` names tables, and columns as ``runs.group``, that an older database lacks.
    """
    waiting, stored = iter(kept), 0
    while batch := list(islice(waiting, _BATCH)):
        async with database._engine.begin() as connection:
            for table, rows in _rows(batch):
                if rows and table.name not in skipped:
                    absent = {column for column in rows[0] if f"{table.name}.{column}" in skipped}
                    await connection.execute(
                        insert(table), [{name: row[name] for name in row.keys() - absent} for row in rows]
                    )
        stored += len(batch)
        await asyncio.sleep(0)
    return stored


def _rows(batch: list[Kept]) -> list[tuple[Table, list[dict[str, Any]]]]:
    answers = (answer_row(kept.run, kept.channel) for kept in batch)
    rounds = [kept.round for kept in batch if kept.round]
    return [
        (tables.runs, [row_of(kept.run) for kept in batch]),
        (tables.answers, [row for row in answers if row]),
        (tables.sources, [row for kept in batch for row in source_rows(kept.run)]),
        (tables.rounds, [round_row(one) for one in rounds]),
        (
            tables.votes,
            [
                {"run_id": one.run_id, "person": person, "token_id": token_id}
                for one in rounds
                for person, token_id in one.votes.items()
            ],
        ),
    ]
