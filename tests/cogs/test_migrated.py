"""A schema-1 database with a thousand runs of every kind is brought forward, and every old button works."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

import pytest
from discord import ui
from msgspec import structs
from simcord import InteractionResult, MemberActor
from sqlalchemy import select

from bot.custom_ids import custom_id
from bot.playground.answer import is_error, seen
from bot.playground.world import World
from bot.services import Services
from bot.store import tables
from bot.store.database import Database, opened
from bot.store.migrations import State
from bot.store.rows import Run, run_of
from bot.store.runs import Runs
from bot.text.tokenization import Encodings
from tests.fakes.model import FakeModel
from tests.store import schema_1
from tests.store.schema_1 import LACKS
from tests.support.filled import CHOICES, KINDS, Kept, Maker, fill
from tests.support.queues import queue_before
from tests.support.reading import text_of
from tests.support.samples import FINGERPRINT, NOON
from tests.support.worlds import live

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

# Of the version before, so that its receipts are still worth something.
MAKER = Maker(people=40, fingerprint=structs.replace(FINGERPRINT, engine=4, processor="", torch=""))
EACH = 1_000
# Of each kind: the family, the action and the numbers of its cards' buttons.
_TEXT = [
    ("why", "open"),
    ("run", "code"),
    ("run", "replay"),
    ("run", "receipt"),
    ("numbers", "complete", 4, 1_000),
    ("complete", "reroll"),
    ("complete", "continue"),
]
_ROUND = [("guess", "vote", CHOICES[1]), ("guess", "reveal"), ("numbers", "guess"), ("guess", "scores")]
BUTTONS: dict[str, list[tuple[Any, ...]]] = {
    "completion": _TEXT,
    "private": _TEXT,
    "continued": _TEXT,
    "comparison": [("compare", "open"), ("compare", "all"), ("numbers", "compare")],
    "walk": [
        ("numbers", "next"),
        ("next", "roll"),
        ("next", "undo"),
        ("next", "append", 530),
    ],
    "round": _ROUND,
    "own round": _ROUND,
}


def made(kind: str) -> Iterator[Kept]:
    """A thousand runs of one kind."""
    return islice(chain.from_iterable(MAKER.make(kind, number) for number in range(EACH)), EACH)


@pytest.fixture(params=["file", "postgresql"])
def place(request: pytest.FixtureRequest, database_url: str) -> str:
    if request.param == "file":
        return database_url
    return os.environ.get("TEST_POSTGRESQL") or pytest.skip("TEST_POSTGRESQL names no server")


async def make_older(database: Database) -> dict[str, Kept]:
    """Fill an empty database of the oldest form; return what is in it, by the runs' ids."""
    kept = list(chain.from_iterable(map(made, KINDS)))
    async with database._engine.begin() as connection:
        await connection.run_sync(tables.metadata.drop_all)
        await connection.run_sync(schema_1.make, "oldest")
    await fill(database, kept, skipped=LACKS["oldest"])
    return {one.run.run_id: one for one in kept}


async def everything_in(database: Database) -> dict[str, Run]:
    """All stored runs, by their ids."""
    people: dict[str, list[int]] = {}
    async with database.transaction() as connection:
        for run_id, person in await connection.execute(select(tables.sources)):
            people.setdefault(run_id, []).append(person)
        rows = (await connection.execute(select(tables.runs))).mappings()
        return {row["run_id"]: run_of(dict(row), people.get(row["run_id"], ())) for row in rows}


async def press(world: World, person: MemberActor, *button: Any) -> InteractionResult:
    """Press an old card's button; the card itself shows nothing else."""
    view = ui.LayoutView(timeout=None)
    pressed: ui.Button[ui.LayoutView] = ui.Button(label="old", custom_id=custom_id(*button))
    view.add_item(ui.ActionRow(pressed))
    channel: Any = world.bot.get_channel(world.channel.id)
    answer = await person.click(await channel.send(view=view), label="old")
    await world.env.settle()
    return answer


async def test_a_thousand_runs_of_every_kind_come_forward_and_their_buttons_work(place: str) -> None:
    async with opened(place) as database:
        kept = await make_older(database)
        assert len(kept) == EACH * len(KINDS)
        assert await database.prepare() == State(None, 1, is_new=False)

        found = await everything_in(database)
        assert found.keys() == kept.keys()
        assert [run_id for run_id, one in kept.items() if found[run_id] != one.run] == []
        runs = Runs(database, days=30, clock=lambda: NOON + 3_600)
        for one in [one for one in kept.values() if one.round][::100]:
            assert await runs.rounds.find(one.run.run_id) == one.round

        model = FakeModel()
        async with (
            queue_before(model, max_running=6, per_person=20, max_waiting=50) as queue,
            live(Services(queue, Encodings(), runs)) as world,
        ):
            refused = []
            for kind, actions in BUTTONS.items():
                run_id = next(MAKER.make(kind, 8)).run.run_id
                for family, action, *numbers in actions:
                    answer = await press(world, world.members[1], family, action, run_id, *numbers)
                    if not seen(answer) or any(map(is_error, seen(answer))):
                        refused.append((kind, family, action, text_of(answer)))
            assert refused == []
