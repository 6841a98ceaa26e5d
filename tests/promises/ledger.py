"""What a killed process had reported, and whether the database agrees."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field

from sqlalchemy import select

from bot.errors import RunExpired, StoreUnavailable
from bot.features.complete import CompletionRun
from bot.features.next import WalkRun
from bot.store import tables
from bot.store.address import parsed
from bot.store.database import Database, opened
from bot.store.runs import Runs
from bot.store.sqlite import SQLite
from tests.promises.run_writer import DAYS, make_run, make_walk, run_id


@dataclass(frozen=True, slots=True)
class AuditResult:
    """Counts of acknowledged runs, and what became of them.

    ``inconsistent`` counts runs of forgotten people, and votes other than those reported.
    """

    acknowledged: int = 0
    lost: int = 0
    corrupt: int = 0
    inconsistent: int = 0

    def __add__(self, other: AuditResult) -> AuditResult:
        return AuditResult(
            self.acknowledged + other.acknowledged,
            self.lost + other.lost,
            self.corrupt + other.corrupt,
            self.inconsistent + other.inconsistent,
        )

    @property
    def is_intact(self) -> bool:
        return not (self.lost or self.corrupt or self.inconsistent)


@dataclass
class Ledger:
    """What one process reported; see :mod:`tests.promises.run_writer` for the lines."""

    runs: dict[str, CompletionRun | WalkRun] = field(default_factory=dict)
    forgotten: set[int] = field(default_factory=set)
    votes: dict[tuple[str, int], set[int]] = field(default_factory=dict)  # the tokens that each may be for
    ended: bool = False

    def enter(self, line: tuple[object, ...]) -> None:
        match line:
            case ("kept", int(number), float(asked_at)):
                self.runs[run_id(number)] = make_run(number, asked_at)
            case ("opened", int(number), float(asked_at)):
                self.runs[run_id(number)] = make_walk(number, asked_at)
            case ("forgot", int(person)):
                self.forgotten.add(person)
            case ("voting", int(number), int(person), int(token)):
                self.votes.setdefault((run_id(number), person), {0}).add(token)
            case ("voted", int(number), int(person), int(token)):
                self.votes[run_id(number), person] = {token}
            case ("ended",):
                self.ended = True
            case _:
                raise ValueError(line)

    async def audit(self, url: str) -> AuditResult:
        """Compare the ledger with the database, after reopening it."""
        damage = _damage(url)
        async with opened(url) as database:
            lost, corrupt = await self._missing(Runs(database, days=DAYS))
            inconsistent = await self._remembered(database) + await self._miscounted(database)
        return AuditResult(len(self.runs), lost, corrupt + damage, inconsistent)

    async def _missing(self, runs: Runs) -> tuple[int, int]:
        lost = corrupt = 0
        for one, expected in self.runs.items():
            try:
                corrupt += await runs.get(one) != expected
            except RunExpired:
                lost += 1
            except StoreUnavailable:
                corrupt += 1
        return lost, corrupt

    async def _remembered(self, database: Database) -> int:
        """The number of runs left of people who were forgotten."""
        async with database.transaction() as connection:
            owners = await connection.scalars(select(tables.runs.c.owner))
            return sum(owner in self.forgotten for owner in owners)

    async def _miscounted(self, database: Database) -> int:
        """The number of votes that are neither the last acknowledged one nor the one under way."""
        async with database.transaction() as connection:
            rows = (await connection.execute(select(tables.votes))).all()
        stored = {(row.run_id, row.person): row.token_id for row in rows}
        return sum(stored.get(whose, 0) not in may_be for whose, may_be in self.votes.items())


def _damage(url: str) -> int:
    """The number of problems that SQLite finds in its file."""
    address = parsed(url)
    if not isinstance(address, SQLite) or address.file is None:
        return 0
    connection = sqlite3.connect(address.file)
    try:
        (verdict,), *more = connection.execute("PRAGMA integrity_check").fetchall()
        broken_links = connection.execute("PRAGMA foreign_key_check").fetchall()
    finally:
        connection.close()
    return len(more) + len(broken_links) + int(verdict != "ok")
