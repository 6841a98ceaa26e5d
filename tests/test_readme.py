"""The README: short, its pictures there, its commands the bot's own."""

from __future__ import annotations

import re
import shlex

import pytest
from discord import app_commands

from bot.__main__ import _parser
from bot.playground.slash import described, parse
from bot.playground.world import World
from tests.docs.documents import document

README = document("README.md")
LARGEST = 10_000  # bytes


def test_it_is_short() -> None:
    assert len(README.text.encode()) <= LARGEST


def test_every_picture_has_alt_text() -> None:
    pictures = re.findall(r"!\[([^\]]*)\]\(tests/pictures/", README.text)

    assert len(pictures) == 13
    assert all(pictures)


@pytest.mark.asyncio(loop_scope="session")
async def test_the_table_has_every_slash_command_as_the_bot_describes_it(world: World) -> None:
    rows = README.table("command", "what it does", "options")
    commands = [c for c in world.bot.tree.get_commands() if isinstance(c, app_commands.Command)]

    assert sorted(rows) == sorted(
        (f"`/{c.name}`", c.description, ", ".join(f"`{option.name}`" for option in c.parameters))
        for c in commands
    )


@pytest.mark.asyncio(loop_scope="session")
async def test_every_command_on_a_message_is_named(world: World) -> None:
    menus = {c.name for c in world.bot.tree.get_commands() if isinstance(c, app_commands.ContextMenu)}
    (named,) = re.findall(r"choose \*\*Apps\*\* for (.*?)\.", README.text)

    assert set(re.findall(r"\*\*(\w+)\*\*", named)) == menus


@pytest.mark.asyncio(loop_scope="session")
async def test_the_commands_to_start_it_are_understood(world: World) -> None:
    starts = re.findall(r"python -m bot(?: .*)?$", "\n".join(README.commands), re.MULTILINE)
    options = [_parser().parse_args(shlex.split(start)[3:]) for start in starts]
    known = list(described(c.to_dict(world.bot.tree) for c in world.bot.tree.get_commands()))

    (tried,) = (option.command for option in options if "command" in option)
    (line,) = tried
    assert parse(line, known) == ("next", {"prompt": "London was"})
