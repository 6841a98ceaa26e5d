"""The ASGI application around a model worker.

    GET  /capacity  → Capacity
    GET  /model     → Ready
    POST /texts     Submit → a stream: Stepped …, then Ended or Rejected; Capacity in between
    POST /lookups   Lookup → Similar
    POST /forget    Forget

A message alone is a body of JSON, a stream has the frames of :mod:`bot.model.wire`. A text
ends when its client goes. A stream that ends without Ended or Rejected broke, and another
replica can write the text.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol, TypeVar

from msgspec import structs
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.errors import GenerationFailed
from bot.model import wire
from bot.model.protocol import (
    Alike,
    Capacity,
    Ended,
    Forget,
    GenerationRequest,
    Lookup,
    Ready,
    Rejected,
    Similar,
    Stepped,
    Submit,
)
from bot.model.serving.pacing import Paced

LARGEST_BODY = 2**20  # bytes; a text that fills the context takes some ten thousand
LONGEST_ID = 100  # characters of a text's id, which every message of its stream has
BODY = 10.0  # seconds for a body to arrive: a client that never finishes would hold a place

Asked = TypeVar("Asked", Submit, Lookup, Forget)


class ServedModel(Protocol):
    """What is used of a :class:`bot.model.client.process.ModelProcess`."""

    def run(self, request: GenerationRequest) -> AsyncGenerator[Stepped | Ended, None]: ...

    async def similar(self, token_id: int, count: int) -> tuple[Alike, ...]: ...


@dataclass(frozen=True, slots=True)
class Served:
    """A ``model`` that is ``ready``, as the replica ``name``; a ``key``, if there is one, is asked for.

    ``capacity`` says what all replicas can do together, and ``forget`` has them all forget.
    """

    model: ServedModel
    ready: Callable[[], Ready]
    name: str
    capacity: Callable[[], Awaitable[Capacity]]
    forget: Callable[[], Awaitable[None]]
    key: str | None = field(default=None, repr=False)

    @property
    def fingerprint(self) -> str:
        return str(self.ready().info.fingerprint)


def application(served: Served) -> ASGIApp:
    endpoints = _Endpoints(served)
    return Starlette(
        routes=[
            Route("/capacity", endpoints.capacity, methods=["GET"]),
            Route("/model", endpoints.model, methods=["GET"]),
            Route("/texts", endpoints.text, methods=["POST"]),
            Route("/lookups", endpoints.lookup, methods=["POST"]),
            Route("/forget", endpoints.forget, methods=["POST"]),
        ],
        middleware=[Middleware(_Named, served.name), Middleware(_Locked, served.key)],
    )


class _Endpoints:
    def __init__(self, served: Served) -> None:
        self._served = served
        self._texts = count()
        self._running = 0

    async def capacity(self, request: Request) -> Response:
        return _answer(await self._served.capacity())

    async def model(self, request: Request) -> Response:
        return _answer(self._served.ready())

    async def text(self, request: Request) -> Response:
        asked = (await _body(request, Submit)).request
        if len(asked.request_id) > LONGEST_ID:
            raise HTTPException(400, "its id is too long")
        if request.headers.get(wire.FINGERPRINT_HEADER) != self._served.fingerprint:
            raise HTTPException(409, "this replica has another model")
        paced = Paced(self._events(asked), self._served.capacity, texts=lambda: self._running)
        return _Stream(paced.chunks())

    async def _events(self, asked: GenerationRequest) -> AsyncGenerator[Stepped | Ended | Rejected, None]:
        # Its id here is the replica's own: a client may ask again before the old stream has ended.
        name = f"text {next(self._texts)}"
        own = structs.replace(asked, request_id=name)
        self._running += 1
        try:
            async with aclosing(self._served.model.run(own)) as events:
                async for event in events:
                    yield structs.replace(event, request_id=asked.request_id)
        except GenerationFailed as error:
            yield Rejected(asked.request_id, error.detail)
        finally:
            self._running -= 1

    async def lookup(self, request: Request) -> Response:
        asked = await _body(request, Lookup)
        try:
            found = await self._served.model.similar(asked.token_id, asked.count)
        except GenerationFailed:
            return _answer(Similar(asked.lookup_id, None))
        return _answer(Similar(asked.lookup_id, found))

    async def forget(self, request: Request) -> Response:
        await _body(request, Forget)
        await self._served.forget()
        return Response(status_code=204)


class _Stream(StreamingResponse):
    """One whose generator is closed at once, also when the client goes."""

    def __init__(self, chunks: AsyncGenerator[bytes, None]) -> None:
        super().__init__(chunks, media_type="application/octet-stream")
        self._chunks = chunks

    async def stream_response(self, send: Send) -> None:
        async with aclosing(self._chunks):
            await super().stream_response(send)


def _answer(message: Ready | Capacity | Similar) -> Response:
    return Response(wire.encode_body(message), media_type="application/json")


async def _body(request: Request, wanted: type[Asked]) -> Asked:
    """The message in a request's body; HTTPException if there is none of this kind."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY):
            async for chunk in request.stream():
                body += chunk
                if len(body) > LARGEST_BODY:
                    raise HTTPException(413, "this is too large")
    except TimeoutError as error:
        raise HTTPException(408, "this takes too long") from error
    try:
        message = wire.decode(bytes(body))
    except wire.ProtocolError as error:
        raise HTTPException(400, "this is no message") from error
    if not isinstance(message, wanted):
        raise HTTPException(400, f"a {wanted.__name__} is due here")
    return message


@dataclass(frozen=True, slots=True)
class _Named:
    """Says in every answer, errors included, which version and which replica it is from."""

    app: ASGIApp
    name: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        own = [
            (wire.VERSION_HEADER.encode(), str(wire.VERSION).encode()),
            (wire.REPLICA_HEADER.encode(), self.name.encode()),
        ]

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *own]}
            await send(message)

        await self.app(scope, receive, named if scope["type"] == "http" else send)


@dataclass(frozen=True, slots=True)
class _Locked:
    """Lets nobody in without the ``key``, if there is one."""

    app: ASGIApp
    key: str | None = field(repr=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self.key is not None:
            given = Request(scope).headers.get("Authorization", "")
            if not hmac.compare_digest(given.encode(), f"Bearer {self.key}".encode()):
                refusal = Response("the key is missing or wrong", 401, {"WWW-Authenticate": "Bearer"})
                return await refusal(scope, receive, send)
        await self.app(scope, receive, send)
        return None
