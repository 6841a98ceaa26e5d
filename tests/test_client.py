"""What the bot tells Discord about itself, and how it handles late and failing interactions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from discord import app_commands
from simcord import ChannelHandle, MemberActor

from bot.client import TokenwiseBot
from bot.errors import ModelUnusable
from bot.interactions import error_handler, lifecycle
from bot.interactions.sync import canonical, sync_if_changed
from bot.playground.world import World
from tests.support.reading import card_of, refusal_of

pytestmark = pytest.mark.asyncio(loop_scope="session")


def options_of(command: dict[str, Any]) -> list[str]:
    return [option["name"] for option in command.get("options", [])]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("complete", ["prompt", "seed", "max_tokens", "temperature", "top_k", "top_p", "private"]),
        ("model", ["private"]),
        ("next", ["prompt", "temperature", "top_k", "seed", "private"]),
        ("tokens", ["text", "encoding", "private"]),
        ("decode", ["ids", "encoding", "private"]),
        ("guess", ["text"]),
        ("vocabulary", ["query", "private"]),
        ("tour", ["prompt", "seed", "private"]),
        ("Replay", []),
        ("Tokenize", []),
        ("compare", ["prompt", "seed", "max_tokens", "private"]),
        ("surprise", ["text", "private"]),
        ("Surprise", []),
        ("forget", []),
        ("help", []),
    ],
)
async def test_the_commands_are_the_interface(world: World, name: str, options: list[str]) -> None:
    commands = {command.name: command.to_dict(world.bot.tree) for command in world.bot.tree.get_commands()}

    assert options_of(commands[name]) == options


async def test_every_command_works_for_servers_and_people_everywhere(world: World) -> None:
    for command in world.bot.tree.get_commands():
        sent = command.to_dict(world.bot.tree)

        assert sorted(sent["integration_types"]) == [0, 1]
        assert sorted(sent["contexts"]) == [0, 1, 2]


async def test_no_privileged_intent_is_requested(world: World) -> None:
    intents = world.bot.intents

    assert {name for name, asked in intents if asked} == {"guilds"}


async def test_unchanged_commands_are_not_sent_again(world: World) -> None:
    before = len(world.env.http_requests)
    await world.env.restart_bot(TokenwiseBot(world.bot.services))

    methods = {
        request.method for request in world.env.http_requests[before:] if request.path.endswith("/commands")
    }
    assert methods == {"GET"}


async def test_a_changed_command_is_sent(world: World) -> None:
    command = world.bot.tree.get_command("next")
    assert isinstance(command, app_commands.Command)
    command.description = "Something else"

    with world.env.time_context():
        assert await sync_if_changed(world.bot.tree)
        assert not await sync_if_changed(world.bot.tree)


async def test_fields_that_discord_fills_in_are_no_change() -> None:
    here = {"name": "x", "type": 1, "description": "d", "contexts": [1, 0], "options": []}
    there = {**here, "contexts": [0, 1], "nsfw": False, "id": "5", "version": "7", "options": None}

    assert canonical([here]) == canonical([there])


async def test_a_bound_of_zero_is_a_change() -> None:
    unbound = {"name": "x", "type": 1, "options": [{"name": "seed", "type": 4}]}
    bound = {"name": "x", "type": 1, "options": [{"name": "seed", "type": 4, "min_value": 0}]}

    assert canonical([unbound]) != canonical([bound])


async def test_a_late_interaction_is_dropped(
    ada: MemberActor,
    channel: ChannelHandle,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(lifecycle, "MAX_AGE", timedelta(seconds=-1))
    answer = await ada.slash(channel, "tokens", text="x")

    assert not answer.acknowledged
    assert "dropped an interaction" in caplog.text


async def test_a_late_press_is_dropped(
    ada: MemberActor, channel: ChannelHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = card_of(await ada.slash(channel, "complete", prompt="London was", max_tokens=1))
    monkeypatch.setattr(lifecycle, "MAX_AGE", timedelta(seconds=-1))

    assert not (await ada.click(card, label="Re-roll")).acknowledged


async def test_an_unexpected_error_is_logged_and_shown_without_details(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_given: object) -> None:
        raise RuntimeError("inside")

    monkeypatch.setattr(world.bot.services.encodings, "counts", fail)
    answer = await world.members[0].slash(world.channel, "tokens", text="x")

    assert refusal_of(answer) == error_handler.UNEXPECTED
    assert "inside" in caplog.text
    caplog.clear()


async def test_an_unusable_model_is_shown_without_the_operator_s_path(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_given: object) -> None:
        raise ModelUnusable("/home/somebody/model", problem="there is no such folder.", reason="not_found")

    monkeypatch.setattr(world.bot.services.encodings, "counts", fail)
    answer = await world.members[0].slash(world.channel, "tokens", text="x")

    assert refusal_of(answer) == error_handler.NO_MODEL
    assert "MODEL=/home/somebody/model" in caplog.text
    caplog.clear()


async def test_a_person_is_notified_if_discord_refuses_an_edit_twice(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.env.inject_error("PATCH", "/webhooks/*/*/messages/@original", status=500, times=2)
    answer = await world.members[0].slash(world.channel, "tokens", text="x")

    assert refusal_of(answer) == error_handler.UNEXPECTED
    caplog.clear()
