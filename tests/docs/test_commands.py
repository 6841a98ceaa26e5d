"""docs/commands.md describes every command and option as the bot registers it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from discord import AppCommandOptionType, app_commands

from bot.playground.world import World
from bot.text.encoding_names import ENCODINGS
from tests.docs.documents import document

PAGE = document("docs/commands.md")
SECTIONS = dict(re.findall(r"^### /(\w+)\n\n(.*?)(?=^##|\Z)", PAGE.text, re.MULTILINE | re.DOTALL))

pytestmark = pytest.mark.asyncio(loop_scope="session")


def slash_commands(world: World) -> list[app_commands.Command[Any, ..., Any]]:
    return [c for c in world.bot.tree.get_commands() if isinstance(c, app_commands.Command)]


async def test_every_command_has_a_section_with_its_description(world: World) -> None:
    first_lines = {name: text.partition("\n")[0] for name, text in SECTIONS.items()}

    assert first_lines == {command.name: f"{command.description}." for command in slash_commands(world)}


async def test_every_option_has_a_row_with_its_description_and_its_values(world: World) -> None:
    for command in slash_commands(world):
        rows = [row for row in SECTIONS[command.name].splitlines() if row.startswith("| `")]

        assert rows == [row(option) for option in command.parameters if option.name != "private"]


def row(option: app_commands.Parameter) -> str:
    cells = [f"`{option.name}`", str(option.description), values(option)]
    return "| " + " | ".join(filter(None, cells)) + (" |" if cells[-1] else " | |")


def values(option: app_commands.Parameter) -> str:
    if option.min_value is None or option.max_value is None:
        return ""
    lowest, highest = (f"{end:,}".removesuffix(".0") for end in (option.min_value, option.max_value))
    unit = " characters" if option.type is AppCommandOptionType.string else ""
    return f"{lowest} to {highest}{unit}"


async def test_the_defaults_in_the_descriptions_are_the_options_own(world: World) -> None:
    for command in slash_commands(world):
        for option in command.parameters:
            if option.type in (AppCommandOptionType.integer, AppCommandOptionType.number):
                default = "random" if option.default is None else f"{option.default:g}"
                assert re.search(rf"\({default}\b.*by default\)$", str(option.description)), (
                    option.description
                )


async def test_all_but_three_commands_can_be_private(world: World) -> None:
    private = {c.name for c in slash_commands(world) if any(o.name == "private" for o in c.parameters)}

    assert "Every command but `/help`, `/guess` and `/forget` also takes `private`" in PAGE.text
    assert SECTIONS.keys() - private == {"help", "guess", "forget"}


async def test_every_command_on_a_message_is_described(world: World) -> None:
    menus = {c.name for c in world.bot.tree.get_commands() if isinstance(c, app_commands.ContextMenu)}
    text = PAGE.text.partition("## On a message")[2].partition("\n## ")[0]

    assert set(re.findall(r"\*\*(\w+)\*\*", text)) == menus | {"Apps"}


async def test_all_encodings_are_named() -> None:
    (named,) = re.findall(r"^Encodings: (.*?);", PAGE.text, re.MULTILINE)

    assert named == ", ".join(ENCODINGS)
