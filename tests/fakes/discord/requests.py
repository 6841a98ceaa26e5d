"""A request as it came over the wire, and the status it got."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import BodyPartReader, web


@dataclass(eq=False, slots=True)
class Request:
    """``template`` is the path as in Discord's OpenAPI; a ``status`` of 0 means a connection reset.

    ``at`` is a time of ``time.monotonic``.
    """

    method: str
    template: str
    path: str
    values: Mapping[str, str]
    query: Mapping[str, str]
    json: Any = None
    files: Mapping[int, bytes] = field(default_factory=dict, repr=False)
    status: int = 0
    fault: object = None
    at: float = field(default_factory=time.monotonic)


async def read(request: web.Request, template: str) -> Request:
    """The request with its body; files by their index in it."""
    body, files = None, {}
    if request.content_type.startswith("multipart/"):
        async for part in await request.multipart():
            assert isinstance(part, BodyPartReader)
            content = bytes(await part.read())
            if part.name == "payload_json":
                body = json.loads(content)
            else:
                files[int((part.name or "")[len("files[") : -1])] = content
    elif request.can_read_body and (content := await request.read()):
        body = json.loads(content)
    return Request(
        request.method, template, request.path, dict(request.match_info), dict(request.query), body, files
    )
