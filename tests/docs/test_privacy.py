"""What docs/privacy.md says is stored is stored, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from discord import app_commands
from simcord import ChannelHandle, MemberActor
from sqlalchemy import func, select

from bot.playground.real_time import outside
from bot.playground.world import World
from bot.store import tables
from bot.store.runs import Runs
from tests.docs.documents import document
from tests.support.reading import card_of

TABLES = document("docs/privacy.md").table("table", "of", "what it holds")
SHORT: Mapping[str, Mapping[str, Any]] = {
    "complete": {"prompt": "London was", "max_tokens": 2},
    "next": {"prompt": "London was"},
    "compare": {"prompt": "London was", "max_tokens": 2},
    "tour": {},
    "guess": {"text": "Once upon a time there"},
    "surprise": {"text": "London was"},
    "tokens": {"text": "London was"},
    "decode": {"ids": "40313"},
    "vocabulary": {"query": "will"},
    "model": {},
    "forget": {},
    "help": {},
}


async def stored(runs: Runs) -> int:
    """How many runs the database has."""

    async def count() -> int:
        async with runs._database.transaction() as connection:
            return int(await connection.scalar(select(func.count()).select_from(tables.runs)) or 0)

    return await outside(count)


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="session")
async def test_the_commands_that_store_a_text_are_named(
    world: World, runs: Runs, ada: MemberActor, channel: ChannelHandle
) -> None:
    (named,) = (of for table, of, _ in TABLES if table == "`runs`")
    store = set()
    for command in world.bot.tree.get_commands():
        if isinstance(command, app_commands.Command) and command.name != "forget":
            before = await stored(runs)
            card_of(await ada.slash(channel, command.name, **SHORT[command.name]))
            if await stored(runs) > before:
                store.add(command.name)

    assert set(re.findall(r"`/(\w+)`", named)) == store


def test_every_table_of_the_database_is_described() -> None:
    named = {name for table, *_ in TABLES for name in re.findall(r"`(\w+)`", table)}

    assert named == set(tables.metadata.tables) - {
        "versions",
        "alembic_version",
    }  # which hold the number of a schema
