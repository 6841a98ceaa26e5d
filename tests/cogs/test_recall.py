"""A saved reply is shown to its author, and to the people of the channel that saw it."""

from __future__ import annotations

from typing import Any

import pytest
from simcord import ChannelHandle, MemberActor

from bot.app import Started
from bot.playground.world import World
from tests.cogs.conftest import OpenWorld
from tests.fakes.model import FakeModel
from tests.support.reading import text_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

BEFORE = ("Same request as at", "saved reply", "saved replies")
COMMANDS = {
    "complete": {"prompt": "London was", "seed": 42, "max_tokens": 8},
    "greedy": {"prompt": "London was", "temperature": 0.0, "max_tokens": 8},
    "next": {"prompt": "London was", "temperature": 0.0},
    "compare": {"prompt": "London was", "seed": 42, "max_tokens": 8},
}


async def is_recalled(
    world: World, person: Any, channel: ChannelHandle | None, name: str, **more: Any
) -> bool:
    """Whether the reply is labelled as a saved one; in a direct message if there is no ``channel``."""
    command = "complete" if name == "greedy" else name
    where = () if channel is None else (channel,)
    answer = await person.slash(*where, command, **COMMANDS[name], **more)
    await world.env.settle()
    return any(said in text_of(answer) for said in BEFORE)


def dm(person: MemberActor) -> Any:
    """The person, in their direct messages with the bot."""
    return person.user


@pytest.mark.parametrize("name", COMMANDS)
async def test_a_request_in_a_direct_message_is_reused_only_for_its_author(
    open_world: OpenWorld, name: str
) -> None:
    async with open_world(FakeModel(), max_running=6) as world:
        ada, grace, *_ = world.members
        assert not await is_recalled(world, dm(ada), None, name)

        assert not await is_recalled(world, dm(grace), None, name)
        assert not await is_recalled(world, world.members[2], world.channel, name)
        assert await is_recalled(world, dm(ada), None, name)
        assert await is_recalled(world, ada, world.channel, name)


@pytest.mark.parametrize("name", COMMANDS)
async def test_a_request_in_a_channel_is_reused_there_for_all_and_elsewhere_for_its_author(
    open_world: OpenWorld, name: str
) -> None:
    async with open_world(FakeModel(), max_running=6) as world:
        ada, grace, alan = world.members
        other = world.guild.create_text_channel("another")
        assert not await is_recalled(world, ada, world.channel, name)

        assert not await is_recalled(world, grace, other, name)
        assert not await is_recalled(world, dm(alan), None, name)
        assert await is_recalled(world, ada, other, name)
        assert await is_recalled(world, alan, world.channel, name)
        assert await is_recalled(world, alan, world.channel, name, private=True)


async def test_a_request_on_one_server_is_not_reused_on_another(open_world: OpenWorld) -> None:
    async with open_world(FakeModel()) as world:
        ada, grace, *_ = world.members
        server = world.env.create_guild("Elsewhere")
        channel, abroad = server.create_text_channel("general"), server.add_member(grace.user)
        assert not await is_recalled(world, ada, world.channel, "greedy")

        assert not await is_recalled(world, abroad, channel, "greedy")


async def test_a_private_request_stays_private_when_another_person_makes_the_same(
    open_world: OpenWorld,
) -> None:
    async with open_world(FakeModel()) as world:
        ada, grace, alan = world.members
        assert not await is_recalled(world, ada, world.channel, "complete", private=True)
        assert not await is_recalled(world, grace, world.channel, "complete")

        assert await is_recalled(world, alan, world.channel, "complete")  # Grace's request


async def test_a_round_of_guess_runs_the_model_again_for_a_text_from_elsewhere(
    world: World, parts: Started
) -> None:
    ada, grace, alan = world.members
    other, asked = world.guild.create_text_channel("another"), []
    for person, channel in ((ada, world.channel), (grace, world.channel), (alan, other)):
        before = parts.queue.counts.admitted
        await person.slash(channel, "guess", text="London was")
        asked.append(parts.queue.counts.admitted - before)

    assert asked == [1, 0, 1]
