"""The private names of SimCord that we use still exist and mean the same."""

from __future__ import annotations

from typing import Any

import pytest

from bot.playground.pages import controls
from bot.playground.private import Act, Body, intercept, published
from bot.playground.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.slow
async def test_every_action_passes_and_every_page_is_seen(world: World) -> None:
    passed: list[Body] = []

    def wrap(act: Act) -> Act:
        async def action(page_id: str | None, body: Body) -> dict[str, Any]:
            passed.append(body)
            return await act(page_id, body)

        return action

    answer = await world.members[0].slash(world.channel, "next", prompt="London was")
    async with world.env.preview(world.channel, viewers=world.members, layout="channel") as preview:
        intercept(preview, wrap)
        (page,) = published(preview)
        before = page.revision
        await preview.refresh()
        (page,) = published(preview)
        # What the page's server calls for every action.
        await preview._action(page.page_id, {"kind": "refresh"})

    assert answer.response is not None
    assert [body["kind"] for body in passed] == ["refresh"]
    assert page.revision > before
    labels = list(controls(page.content).values())
    assert len([label for label in labels if label[0] in "①②③④⑤"]) == 5
    # The identity of a button, beside its label, would be better still.
    assert any("Undo" in label for label in labels)


async def test_errors_are_left_to_the_bot(world: World) -> None:
    await world.members[0].slash(world.channel, "complete", prompt="   ")

    assert world.env.errors == []
