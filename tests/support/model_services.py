"""A model service on loopback, without Ray: what a replica serves, and what may go wrong on the way to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from yarl import URL

from bot.model import wire
from bot.model.protocol import Capacity, Ready
from bot.model.serving.application import Served, application
from tests.fakes.model import FakeModel
from tests.fakes.scripted_worker import scripted_info


class _Server(uvicorn.Server):
    """One that leaves the process's signals alone."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def on_loopback(app: ASGIApp, *, port: int = 0, **options: Any) -> AsyncIterator[URL]:
    """Serve ``app``; its address."""
    config = uvicorn.Config(
        app, port=port, log_config=None, lifespan="off", timeout_graceful_shutdown=1, **options
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve())
    try:
        while not server.started:
            assert not serving.done()
            await asyncio.sleep(0.01)
        scheme = "https" if config.is_ssl else "http"
        port = server.servers[0].sockets[0].getsockname()[1]
        yield URL(f"{scheme}://127.0.0.1:{port}")
    finally:
        server.should_exit = True
        await serving


@dataclass(eq=False)
class FakeReplica:
    """A replica whose ``model`` is in the test's own process."""

    model: FakeModel = field(default_factory=FakeModel)
    name: str = "a"
    slots: int = 8
    key: str | None = None
    version: int = wire.VERSION
    forgot: int = 0
    #: Ends the stream of a text after so many chunks, once for each number.
    breaks: list[int] = field(default_factory=list)
    cut: bool = False  # break off every stream at its next chunk
    texts: int = 0  # asked for

    def app(self) -> ASGIApp:
        served = Served(self.model, self._ready, self.name, self._capacity, self._forget, self.key)
        return _Faulty(application(served), self)

    def _ready(self) -> Ready:
        return Ready(self.model.info or scripted_info())

    async def _capacity(self) -> Capacity:
        return Capacity(1, 1, self.slots, str(self._ready().info.fingerprint))

    async def _forget(self) -> None:
        self.forgot += 1


@dataclass(frozen=True, slots=True)
class _Faulty:
    """Breaks off the streams of ``replica`` where that says so, and names its version."""

    inner: ASGIApp
    replica: FakeReplica

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_text = scope["path"] == "/texts"
        self.replica.texts += is_text
        left = self.replica.breaks.pop(0) if is_text and self.replica.breaks else None

        async def faulty(message: Message) -> None:
            nonlocal left
            if message["type"] == "http.response.start":
                named = wire.VERSION_HEADER.encode(), str(self.replica.version).encode()
                others = [each for each in message["headers"] if each[0] != named[0]]
                message = {**message, "headers": [*others, named]}
            elif is_text and message["type"] == "http.response.body" and message.get("body"):
                if self.replica.cut or left == 0:
                    raise ConnectionResetError("on cue")
                left = None if left is None else left - 1
            await send(message)

        await self.inner(scope, receive, faulty)


@dataclass(eq=False)
class Routes:
    """Hands each request to the first of ``replicas``, which a test may change."""

    replicas: list[FakeReplica]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.replicas[0].app()(scope, receive, send)
