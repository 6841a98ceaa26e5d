"""What the page gets: examples and commands that the bot really has, and nothing that breaks out of them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import discord
import pytest
from discord import app_commands

from bot.features.examples import EXAMPLES
from bot.playground.additions import additions
from bot.playground.world import World


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
