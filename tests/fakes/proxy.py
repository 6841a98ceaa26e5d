"""An HTTP proxy on loopback that tunnels every CONNECT to one local port."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Self


@dataclass(eq=False)
class FakeProxy:
    """``asked`` are the requests it got; if ``refusal`` is set, it answers them all with that."""

    leads_to: int
    credentials: str | None = None
    refusal: str | None = None
    tls: ssl.SSLContext | None = None
    asked: list[str] = field(default_factory=list)
    port: int = 0

    @classmethod
    @asynccontextmanager
    async def opened(
        cls,
        leads_to: int,
        *,
        credentials: str | None = None,
        refusal: str | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> AsyncIterator[Self]:
        proxy = cls(leads_to, credentials, refusal, tls)
        server = await asyncio.start_server(proxy._serve, "127.0.0.1", 0, ssl=tls)
        proxy.port = server.sockets[0].getsockname()[1]
        try:
            yield proxy
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            method, target, _ = head.split(" ", 2)
            self.asked.append(f"{method} {target}")
            if refusal := self.refusal or self._unauthorized(head):
                writer.write(f"HTTP/1.1 {refusal}\r\nContent-Length: 0\r\n\r\n".encode())
                await writer.drain()
            else:
                await self._tunnel(reader, writer)
        writer.close()

    def _unauthorized(self, head: str) -> str | None:
        wanted = base64.b64encode((self.credentials or "").encode()).decode()
        if self.credentials is None or f"Proxy-Authorization: Basic {wanted}\r\n" in head:
            return None
        return "407 Proxy Authentication Required"

    async def _tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self.leads_to)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        async with asyncio.TaskGroup() as tunnel:
            tunnel.create_task(_pump(reader, back))
            tunnel.create_task(_pump(there, writer))


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await source.read(65_536):
            sink.write(chunk)
            await sink.drain()
    sink.close()
