"""The private names of SimCord that we use still exist and mean the same."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from bot.playground.additions import Additions
from bot.playground.pages import controls
from bot.playground.private import Act, Body, extend, intercept, published
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
    assert page.viewer is world.members[0]
    labels = list(controls(page.content).values())
    assert len([label for label in labels if label.split()[1] in tuple("①②③④⑤")]) == 5
    assert any("Undo" in label for label in labels)


async def test_errors_are_left_to_the_bot(world: World) -> None:
    await world.members[0].slash(world.channel, "complete", prompt="   ")

    assert world.env.errors == []


async def test_the_page_s_server_serves_our_files_to_its_own_host_alone(world: World) -> None:
    added = Additions("<meta name=ours>", {"/ours.js": ("application/javascript", b"let x;")})
    preview = world.env.preview(world.channel, viewers=world.members, layout="channel")
    extend(preview, added, port=0)
    async with preview, aiohttp.ClientSession(preview.url.partition("#")[0]) as session:
        async with session.get("/") as page:
            assert "<meta name=ours></head>" in await page.text()
        async with session.get("/app.js") as script:
            assert "createTransport" in await script.text()
        async with session.get("/ours.js") as ours:
            assert await ours.text() == "let x;"
            assert ours.content_type == "application/javascript"
            assert "script-src 'self'" in ours.headers["Content-Security-Policy"]
        for path in ("/", "/ours.js"):
            async with session.get(path, headers={"Host": "evil.example"}) as refused:
                assert refused.status == 403
