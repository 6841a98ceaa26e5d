"""The private names of SimCord that we use still exist and mean the same."""

from __future__ import annotations

import io
from typing import Any

import aiohttp
import pytest
from PIL import ExifTags, Image

from bot.playground.additions import Additions
from bot.playground.pages import controls
from bot.playground.private import Act, Body, extend, intercept, png_size, published, tell_sizes
from bot.playground.world import World
from tests.support.reading import card_of

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


async def test_a_page_knows_a_picture_s_size_before_it_loads(world: World) -> None:
    answer = await world.members[0].slash(world.channel, "tokens", text="Paris will")
    (picture,) = card_of(answer).attachments
    content = world.env.backend.cdn.get(picture.url)
    assert content is not None
    preview = world.env.preview(world.channel, viewers=world.members, layout="channel")
    tell_sizes(preview)

    async with preview:
        (page,) = preview._pages.values()
        assets = preview._page_payload(page)["assets"].values()

    (told,) = (asset for asset in assets if asset["filename"] == picture.filename)
    assert (told["displayWidth"], told["displayHeight"]) == Image.open(io.BytesIO(content)).size


def turned_png() -> bytes:
    orientation = Image.Exif()
    orientation[ExifTags.Base.Orientation] = 6
    return written(Image.new("RGB", (3, 2)), exif=orientation)


def written(image: Image.Image, **options: Any) -> bytes:
    content = io.BytesIO()
    image.save(content, "PNG", **options)
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "size"),
    [
        (written(Image.new("RGB", (3, 2))), (3, 2)),
        (turned_png(), None),
        (b"", None),
        (b"\x89PNG", None),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0", (0, 0)),
        (b"GIF89a\x02\0\x02\0", None),
        (b"text", None),
    ],
    ids=["picture", "turned", "nothing", "a mark alone", "cut off", "other kind", "text"],
)
async def test_only_a_whole_picture_s_size_is_told(content: bytes, size: tuple[int, int] | None) -> None:
    assert png_size(content) == size


async def test_a_person_s_broken_picture_breaks_no_page(world: World) -> None:
    await world.members[0].send(world.channel, "", attachments=[("cat.png", b"\x89PNG"), ("cat.jpg", b"x")])
    preview = world.env.preview(world.channel, viewers=world.members, layout="channel")
    tell_sizes(preview)

    async with preview:
        (page,) = preview._pages.values()
        assets = preview._page_payload(page)["assets"].values()

    assert {"cat.png", "cat.jpg"} <= {asset["filename"] for asset in assets}


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
