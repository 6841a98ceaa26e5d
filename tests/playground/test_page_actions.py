"""What the playground's own script asks for, as the person who looks at the page."""

from __future__ import annotations

import pytest
from simcord import MemberActor

from bot.features.examples import EXAMPLES
from bot.playground.page_actions import PageActions
from bot.playground.plain import plain
from bot.playground.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def typed(world: World, viewer: MemberActor, line: object) -> str | None:
    """What is said to ``line``: None if it runs."""
    reply = await PageActions(world).run(viewer, {"kind": "type_line", "line": line})
    refusal: str | None = reply["refusal"]
    return refusal


def newest(world: World, viewer: MemberActor) -> str:
    components = world.channel.history(viewer=viewer)[-1].components
    return plain([component.to_dict() for component in components])


async def test_a_line_runs_as_who_types_it(world: World) -> None:
    ada, grace, _ = world.members

    assert await typed(world, grace, "/decode ids:40313 private:true") is None

    assert "Paris" in newest(world, grace)
    assert world.channel.history(viewer=ada) == []


async def test_a_mistyped_line_is_refused_in_one_sentence_and_runs_nothing(world: World) -> None:
    ada = world.members[0]

    assert await typed(world, ada, "/tokens text:x temp:1") == (
        "/tokens has no option temp; its options are text (required), encoding, private. "
        'If it is text, write text:"…" with quotation marks.'
    )
    for line in ("/nothing", "", "<script>", None, 7, "x" * 10_000):
        refusal = await typed(world, ada, line)
        assert refusal is not None
        assert refusal.startswith("There is no command /")
    assert world.channel.history() == []


@pytest.mark.parametrize("line", [example.typed for example in EXAMPLES])
async def test_every_example_is_answered(line: str, world: World) -> None:
    ada = world.members[0]

    assert await typed(world, ada, line) is None

    assert len(world.channel.history(viewer=ada)) == 1


@pytest.mark.parametrize("name", ["Tokenize", "Surprise"])
async def test_a_message_command_is_used_on_its_message(name: str, world: World) -> None:
    ada, grace, _ = world.members
    message = await ada.send(world.channel, "Paris will bananas")
    body = {"kind": "use_on_message", "name": name, "message_id": str(message.id)}

    assert await PageActions(world).run(grace, body) == {"refusal": None}

    assert "␣bananas" in newest(world, grace)


@pytest.mark.parametrize(
    ("name", "message_id"), [("Tokenize", "1"), ("Tokenize", None), ("Nothing", "own"), (None, "own")]
)
async def test_what_cannot_be_done_is_said(name: str | None, message_id: str | None, world: World) -> None:
    ada = world.members[0]
    message = await ada.send(world.channel, "Paris will")
    wanted = str(message.id) if message_id == "own" else message_id
    body = {"kind": "use_on_message", "name": name, "message_id": wanted}

    assert await PageActions(world).run(ada, body) == {
        "refusal": "That can't be done now: the message may be gone."
    }


async def test_nobody_can_use_what_only_another_person_sees(world: World) -> None:
    ada, grace, _ = world.members
    await typed(world, ada, "/decode ids:40313 private:true")
    (private,) = world.channel.history(viewer=ada)
    body = {"kind": "use_on_message", "name": "Tokenize", "message_id": str(private.id)}

    assert (await PageActions(world).run(grace, body))["refusal"]

    assert world.channel.history(viewer=grace) == []
