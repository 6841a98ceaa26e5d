"""A Discord on loopback: enough of its REST API and gateway for a bot to join and leave."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import discord
import pytest
import yarl
from aiohttp import web
from aiohttp.test_utils import TestServer

APPLICATION = 1234567890
USER = {"id": str(APPLICATION), "username": "Tokenwise", "discriminator": "0", "avatar": None, "bot": True}


class Op(IntEnum):
    """Gateway opcodes."""

    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    HELLO = 10
    HEARTBEAT_ACK = 11


@dataclass
class FakeDiscord:
    """``accepts`` says whether the token is known; ``commands`` is what the bot told."""

    accepts: bool = True
    commands: list[Any] = field(default_factory=list)
    joined: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    def application(self) -> web.Application:
        application = web.Application()
        application.router.add_get("/api/users/@me", self._answer(USER))
        application.router.add_get("/api/oauth2/applications/@me", self._answer(_application_info()))
        application.router.add_get(f"/api/applications/{APPLICATION}/commands", self._get_commands)
        application.router.add_put(f"/api/applications/{APPLICATION}/commands", self._put_commands)
        application.router.add_get("/gateway/", self._gateway)
        return application

    def _answer(self, body: object) -> Any:
        async def answer(_request: web.Request) -> web.Response:
            if not self.accepts:
                return _json({"message": "401: Unauthorized", "code": 0}, status=401)
            return _json(body)

        return answer

    async def _get_commands(self, _request: web.Request) -> web.Response:
        return _json(self.commands)

    async def _put_commands(self, request: web.Request) -> web.Response:
        told = await request.json()
        filled_in = {"description": "", "application_id": str(APPLICATION), "version": "1"}
        self.commands = [filled_in | command | {"id": str(number)} for number, command in enumerate(told, 1)]
        return _json(self.commands)

    async def _gateway(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"op": Op.HELLO, "d": {"heartbeat_interval": 40_000}, "s": None, "t": None})
        async for message in socket:
            match json.loads(message.data)["op"]:
                case Op.IDENTIFY:
                    await socket.send_json({"op": Op.DISPATCH, "s": 1, "t": "READY", "d": _ready()})
                    self.joined.set()
                case Op.HEARTBEAT:
                    await socket.send_json({"op": Op.HEARTBEAT_ACK, "d": None, "s": None, "t": None})
        self.left.set()
        return socket


@asynccontextmanager
async def on_loopback(fake: FakeDiscord, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeDiscord]:
    """discord.py's two addresses lead to ``fake`` for as long as the block lasts."""
    async with TestServer(fake.application()) as server:
        monkeypatch.setattr(discord.http.Route, "BASE", str(server.make_url("/api")))
        gateway = yarl.URL(str(server.make_url("/gateway/"))).with_scheme("ws")
        monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", gateway)
        yield fake


def _json(body: object, *, status: int = 200) -> web.Response:
    # Without the charset that aiohttp would add: discord.py wants exactly Discord's type.
    return web.Response(body=json.dumps(body).encode(), status=status, content_type="application/json")


def _application_info() -> dict[str, Any]:
    return {
        "id": str(APPLICATION),
        "name": "Tokenwise",
        "icon": None,
        "description": "",
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        "owner": USER,
        "flags": 0,
        "summary": "",
    }


def _ready() -> dict[str, Any]:
    return {
        "v": 10,
        "user": USER,
        "guilds": [],
        "session_id": "session",
        "resume_gateway_url": "ws://127.0.0.1:1",
        "application": {"id": str(APPLICATION), "flags": 0},
    }
