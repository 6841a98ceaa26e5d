"""Every statement that the bot issues finds its runs by an index, whatever the number of runs.

The statements are those that SQLAlchemy sends while everything is done that the store can do.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest_asyncio
from sqlalchemy import event, text

from bot.features.complete import CompletionJob
from bot.store.database import Database
from bot.store.runs import DAY, Runs
from tests.support.filled import CHANNEL, CHOICES, GUILD, KINDS, Maker, fill
from tests.support.samples import FINGERPRINT, NOON, walk_run

MAKER = Maker(people=40)
EACH = 300  # of each kind
# Nearly all runs are younger than retention allows: who looks for those looks at all.
BY_AGE = "ix_runs_asked_at"


@dataclass(frozen=True)
class Sent:
    statement: str
    parameters: Any


@pytest_asyncio.fixture
async def filled(database: Database) -> AsyncIterator[Database]:
    await fill(
        database, (kept for kind in KINDS for number in range(EACH) for kept in MAKER.make(kind, number))
    )
    if not is_sqlite(database):  # which has no statistics unless somebody asks for them
        async with database.transaction() as connection:
            await connection.execute(text("ANALYZE"))
    yield database


def is_sqlite(database: Database) -> bool:
    return database._engine.dialect.name == "sqlite"


@contextmanager
def captured(database: Database) -> Iterator[list[Sent]]:
    """The statements that are sent in the block."""
    sent: list[Sent] = []

    def note(
        _connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool
    ) -> None:
        sent.append(Sent(statement, parameters[0] if many else parameters))

    engine = database._engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def do_everything(database: Database) -> None:
    """All that the store can do, but for retention."""
    runs = Runs(database, days=30, clock=lambda: NOON + DAY)
    made = {kind: next(MAKER.make(kind, 3)).run for kind in KINDS}
    for run in made.values():
        await runs.get(run.run_id)
        assert await runs.is_kept(run.run_id)
    assert len(await runs.siblings(made["comparison"].run_id)) == 6
    asked = MAKER.completion(5)
    job = CompletionJob("9" * 16, 777, asked.prompt_ids, asked.params, private=False)
    assert await runs.answer(job, FINGERPRINT, channel=CHANNEL) is not None
    assert await runs.answer(replace(job, owner=asked.owner), FINGERPRINT) is not None
    assert await runs.answer(walk_run("9" * 16, 1).walk, FINGERPRINT, channel=CHANNEL) is None
    rounds = runs.rounds
    going_on = next(MAKER.make("round", 4)).run.run_id
    assert (await rounds.find(going_on)).votes
    for token_id in CHOICES[:2]:
        assert (await rounds.vote(going_on, 777, token_id)).counts
    await rounds.reveal(going_on)
    assert await rounds.scores(GUILD + 4)
    assert await rounds.latest(GUILD + 4, 1, limit=50)
    assert await rounds.latest(None, made["own round"].owner, limit=50)
    for kind in KINDS:
        kept = next(Maker(people=40, since=NOON + DAY).make(kind, 999_999))
        await runs.keep(kept.run, kept.round, channel=kept.channel)
    assert not runs.unsaved
    person = made["continued"].owner
    assert (await runs.stored(person, ours=[(1, 2)])).runs
    assert (await runs.forget(person, ours=[(1, 2)])).runs


async def full_scans(database: Database, sent: list[Sent]) -> dict[str, list[str]]:
    """The steps in which the database would read a whole table, or all runs that are kept, by statement."""
    found = {}
    async with database.transaction() as connection:
        if not is_sqlite(database):
            await connection.execute(text("SET LOCAL enable_seqscan = off"))
        for one in sent:
            if re.match(r"(SELECT|INSERT|UPDATE|DELETE|WITH)\b", one.statement):
                explain = "EXPLAIN QUERY PLAN " if is_sqlite(database) else "EXPLAIN (FORMAT JSON) "
                rows = await connection.exec_driver_sql(explain + one.statement, one.parameters)
                plan = [row[-1] for row in rows]
                found[one.statement] = list(_of_sqlite(plan) if is_sqlite(database) else _of_postgresql(plan))
    return found


def _of_sqlite(plan: list[str]) -> Iterator[str]:
    for step in plan:
        if re.match(r"SCAN (runs|mine)\b", step) or BY_AGE in step:
            yield step


def _of_postgresql(plan: list[Any]) -> Iterator[str]:
    nodes = [found["Plan"] for found in plan[0]]
    while nodes:
        node = nodes.pop()
        nodes += node.get("Plans", [])
        index = node.get("Index Name", "")
        is_of_runs = node.get("Relation Name") == "runs" or index.startswith(("runs_", "ix_runs_"))
        is_whole = node["Node Type"] == "Seq Scan" or (index and "Index Cond" not in node)
        if is_of_runs and (is_whole or index == BY_AGE):
            yield f"{node['Node Type']} by {index or 'nothing'}: {node.get('Index Cond')}"


async def test_no_statement_reads_all_runs(filled: Database) -> None:
    with captured(filled) as sent:
        await do_everything(filled)
    found = await full_scans(filled, sent)

    assert len(found) > 20
    assert {statement: steps for statement, steps in found.items() if steps} == {}


async def test_only_retention_looks_for_runs_by_age_and_takes_a_few_at_a_time(filled: Database) -> None:
    runs = Runs(filled, days=30, clock=lambda: NOON + 30 * DAY + 0.1)
    with captured(filled) as sent:
        assert await runs.delete_old() > 500
    found = await full_scans(filled, sent)
    by_age = [statement for statement, steps in found.items() if steps]

    assert len(by_age) == 1
    assert "LIMIT" in by_age[0]
    assert all(BY_AGE in step for step in found[by_age[0]])
