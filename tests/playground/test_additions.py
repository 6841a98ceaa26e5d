"""What the page gets: examples and commands that the bot really has, and nothing that breaks out of them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import discord
import pytest
from discord import app_commands

from bot.cards.pictures.fonts import runs
from bot.features.examples import EXAMPLES
from bot.playground.additions import additions
from bot.playground.world import World
from tests.cards.pictures.test_fonts import SENTENCES


def data_of(tree: Any) -> dict[str, Any]:
    head = additions(tree).head
    found = re.search(r'<script type="application/json" id="playground-data">(.*?)</script>', head)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


@pytest.mark.asyncio(loop_scope="session")
async def test_the_page_offers_every_example_and_message_command(world: World) -> None:
    data = data_of(world.bot.tree)

    starters: list[Mapping[str, str]] = data["starters"]
    assert {example.typed for example in EXAMPLES} <= {starter["line"] for starter in starters}
    assert starters[0]["line"] == "/tour"
    assert all(starter["label"] and starter["about"] for starter in starters)
    assert [command["name"] for command in data["messageCommands"]] == ["Tokenize", "Surprise", "Replay"]
    assert {"next", "complete", "forget"} <= set(data["commands"])
    assert "Tokenize" not in data["commands"]


async def test_only_commands_that_exist_are_offered_and_none_ends_the_script() -> None:
    client = discord.Client(intents=discord.Intents.none())
    tree = app_commands.CommandTree(client)

    @tree.command(name="tour", description="</script><script>alert(1)</script>")
    async def tour(_: discord.Interaction) -> None: ...

    data = data_of(tree)

    assert [starter["line"] for starter in data["starters"]] == ["/tour"]
    assert data["starters"][0]["about"] == "</script><script>alert(1)</script>"
    assert data["messageCommands"] == []


#: SimCord's page has fonts of its own for these.
SIMCORDS = {"DejaVuSans.ttf", "DroidSansFallbackFull.ttf", "NotoEmoji.ttf"} | {
    f"NotoSans{script}.ttf" for script in ("Arabic", "Hebrew", "Devanagari")
}


def test_the_page_has_a_font_for_every_script_of_the_pictures() -> None:
    files = additions(app_commands.CommandTree(discord.Client(intents=discord.Intents.none()))).files
    kind, css = files["/playground.css"]
    faces = re.findall(r'url\("/fonts/(.+?)"\); unicode-range: (.+?);', css.decode())
    assert kind == "text/css"

    there = {file: [range_of(part) for part in ranges.split(", ")] for file, ranges in faces}
    needed = [run for sentence in SENTENCES.values() for run in runs(sentence) if run.file not in SIMCORDS]

    assert {run.file for run in needed} == there.keys()
    for run in needed:
        letters = {ord(character) for character in run.text if character.isalpha()}
        assert all(any(point in part for part in there[run.file]) for point in letters), run
        assert files[f"/fonts/{run.file}"][0] in ("font/ttf", "font/otf")


def range_of(part: str) -> range:
    """The code points of U+A-B."""
    first, last = part.removeprefix("U+").split("-")
    return range(int(first, 16), int(last, 16) + 1)
