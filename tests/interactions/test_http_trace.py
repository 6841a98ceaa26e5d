"""Discord's responses are counted by status, and accepted or doubtful acknowledgements are noticed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.interactions.http_trace import HttpTrace

Ask = Callable[[str, str], Awaitable[None]]


@asynccontextmanager
async def asking(trace: HttpTrace, status: int) -> AsyncIterator[Ask]:
    """Send requests to a server that answers each with ``status``; 0 hangs up."""

    async def answer(request: web.Request) -> web.Response:
        if not status:
            assert request.transport is not None
            request.transport.close()
        return web.Response(status=status or 200)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    async with (
        TestServer(application) as server,
        aiohttp.ClientSession(trace_configs=[trace.config()]) as session,
    ):

        async def ask(method: str, path: str) -> None:
            async with session.request(method, server.make_url(path)) as response:
                await response.read()

        yield ask


@pytest.mark.parametrize(("status", "counted"), [(200, "2xx"), (404, "4xx"), (429, "429"), (502, "5xx")])
async def test_responses_are_counted_by_status(status: int, counted: str) -> None:
    trace = HttpTrace(lambda _: None, lambda _: None)
    async with asking(trace, status) as ask:
        await ask("GET", "/api/v10/users/@me")
        await ask("PATCH", "/api/v10/webhooks/1/token/messages/@original")

    assert trace.responses == {counted: 2}


async def test_a_request_without_a_response_is_counted_too() -> None:
    trace = HttpTrace(lambda _: None, lambda _: None)
    async with asking(trace, 0) as ask:
        with pytest.raises(aiohttp.ClientError):
            await ask("POST", "/api/v10/channels/1/messages")

    assert trace.responses == {"none": 1}


CALLBACK = "/api/v10/interactions/42/token/callback"


@pytest.mark.parametrize(
    ("status", "method", "path", "expected"),
    [
        (204, "POST", CALLBACK, "acknowledged 42"),
        (200, "POST", f"{CALLBACK}?with_response=1", "acknowledged 42"),
        (404, "POST", CALLBACK, None),
        (502, "POST", CALLBACK, "in doubt 42"),
        (200, "POST", "/api/v10/webhooks/42/token", None),
        (502, "POST", "/api/v10/webhooks/42/token", None),
    ],
)
async def test_accepted_and_doubtful_acknowledgements_are_noticed(
    status: int, method: str, path: str, expected: str | None
) -> None:
    noticed: list[str] = []
    trace = HttpTrace(
        lambda id_: noticed.append(f"acknowledged {id_}"), lambda id_: noticed.append(f"in doubt {id_}")
    )
    async with asking(trace, status) as ask:
        await ask(method, path)

    assert noticed == ([expected] if expected else [])
