"""The only uses of private names in SimCord's preview, and the reasons.

The preview refuses an action on a page that was published again since the person last saw
it, and offers no public way to take turns with them. So the entry of actions is wrapped,
and the pages' published content is read. Nor can a page be added to: so its server is
replaced by one that serves a few files more. And a page learns a picture's size only after
it has loaded it: so its size is added to what the page reads. tests/playground/test_private.py
fails if one of these names disappears.
"""

from __future__ import annotations

import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import simcord
from aiohttp import web
from simcord import MemberActor
from simcord.preview._server import PreviewServer

from bot.playground.additions import Additions

Body = Mapping[str, Any]
Act = Callable[[str | None, Body], Awaitable[dict[str, Any]]]


@dataclass(frozen=True)
class Published:
    """The last published state of one open page, and who looks at it."""

    page_id: str
    viewer: MemberActor
    revision: int
    content: Mapping[str, Any]


def intercept(preview: simcord.Preview, wrap: Callable[[Act], Act]) -> None:
    """Route every action on a page through ``wrap``, which receives the original handler."""
    preview._action = wrap(preview._action)  # type: ignore[method-assign, assignment] # noqa: SLF001


def published(preview: simcord.Preview) -> list[Published]:
    """The last published state of every open page."""
    pages = preview._pages.values()  # noqa: SLF001
    return [Published(page.id, page.viewer, page.revision, page.snapshot) for page in pages]


def tell_sizes(preview: simcord.Preview) -> None:
    """Tell each page how large its pictures are, so that it reserves their place before they load."""
    payload_of = preview._page_payload  # noqa: SLF001

    def with_sizes(page: Any) -> dict[str, Any]:
        payload = payload_of(page)
        for asset_id, asset in payload.get("assets", {}).items():
            if asset["available"] and "displayWidth" not in asset:
                blob = preview._blobs[page.assets[asset_id].digest]  # noqa: SLF001
                if size := png_size(blob.data):
                    asset["displayWidth"], asset["displayHeight"] = size
        return payload

    preview._page_payload = with_sizes  # type: ignore[method-assign] # noqa: SLF001


def png_size(content: bytes) -> tuple[int, int] | None:
    """A PNG's width and height; None for other content, and for one that may be shown turned."""
    if not content.startswith(b"\x89PNG\r\n\x1a\n") or content[12:16] != b"IHDR" or b"eXIf" in content:
        return None
    width, height = struct.unpack_from(">II", content.ljust(24, b"\0"), 16)
    return width, height


def extend(preview: simcord.Preview, added: Additions, *, port: int) -> None:
    """Add to the page that ``preview`` will serve on ``port``; call this before it is entered."""
    preview._server = _Server(preview, added, port)  # noqa: SLF001


class _Server(PreviewServer):
    """SimCord's, whose routes are the names of its static files."""

    def __init__(self, preview: simcord.Preview, added: Additions, port: int) -> None:
        super().__init__(preview, port)
        self._added = added
        self._STATIC_FILES = {**self._STATIC_FILES, **{path: path for path in added.files}}  # type: ignore[misc]

    async def _static(self, request: web.Request) -> web.Response:
        if request.headers.get("Host", "") not in self._allowed_hosts():
            raise web.HTTPForbidden
        if request.path in self._added.files:
            kind, content = self._added.files[request.path]
            return web.Response(body=content, content_type=kind, headers=self._SECURITY_HEADERS)
        response: web.Response = await super()._static(request)
        if request.path == "/" and response.text:
            response.text = response.text.replace("</head>", f"{self._added.head}</head>", 1)
        return response
