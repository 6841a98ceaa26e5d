"""Discord's REST interface: from a request over the wire to a change of state and back."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.fakes.discord import payloads
from tests.fakes.discord.checks import Checks
from tests.fakes.discord.faults import (
    Answered,
    Failed,
    Faults,
    Limited,
    Refused,
    RequestFault,
    Reset,
    Silent,
    was_done,
)
from tests.fakes.discord.paths import (
    API,
    CALLBACK,
    COMMANDS,
    FILE,
    FOLLOW_UPS,
    MESSAGE,
    MESSAGES,
    WEBHOOK_MESSAGE,
)
from tests.fakes.discord.refusals import Refusal
from tests.fakes.discord.requests import Request, read
from tests.fakes.discord.responses import Responses
from tests.fakes.discord.state import Channel, Json, Message

_RESET_AT_ONCE = struct.pack("ii", 1, 0)

Handler = Callable[[Request], Any]


@dataclass
class Rest:
    """``accepts`` says whether the bot's token is valid; ``sessions`` counts the session starts left.

    ``shards`` is how many it recommends, ``max_concurrency`` how many of them may connect at once.
    """

    responses: Responses
    checks: Checks
    faults: Faults
    gateway_url: Callable[[], str]
    requests: deque[Request]
    channels: dict[int, Channel]
    accepts: bool = True
    sessions: int = 999
    shards: int = 1
    max_concurrency: int = 1
    commands: list[Json] = field(default_factory=list)

    def routes(self) -> list[web.RouteDef]:
        table: list[tuple[str, str, Handler]] = [
            ("GET", "/users/@me", lambda _: payloads.user(self.responses.bot)),
            ("GET", "/oauth2/applications/@me", lambda _: payloads.application(self.responses.bot)),
            ("GET", "/gateway", lambda _: {"url": self.gateway_url()}),
            ("GET", "/gateway/bot", self._gateway),
            ("GET", COMMANDS, lambda _: self.commands),
            ("PUT", COMMANDS, self._put_commands),
            ("POST", CALLBACK, self._callback),
            ("POST", FOLLOW_UPS, self._follow_up),
            ("GET", WEBHOOK_MESSAGE, self._get_original),
            ("PATCH", WEBHOOK_MESSAGE, self._edit_original),
            ("DELETE", WEBHOOK_MESSAGE, self._delete_original),
            ("POST", MESSAGES, self._post),
            ("GET", MESSAGE, lambda request: payloads.message(self._message(request))),
            ("PATCH", MESSAGE, self._edit),
            ("DELETE", MESSAGE, self._delete),
        ]
        routes = [web.route(method, API + path, self._served(path, do)) for method, path, do in table]
        return [*routes, web.get(FILE, self._file)]

    def _served(self, template: str, do: Handler) -> Callable[[web.Request], Any]:
        needs_token = not template.startswith(("/interactions", "/webhooks"))

        async def serve(web_request: web.Request) -> web.StreamResponse:
            request = await read(web_request, template)
            self.requests.append(request)
            if needs_token and not self._is_known(web_request):
                return _reply(request, 401, {"message": "401: Unauthorized", "code": 0})
            self.checks.check(request)
            fault = request.fault = self.faults.of_request(request)
            if fault is not None and not was_done(fault):
                return await _faulty(web_request, request, fault)
            try:
                reply = _reply(request, 200, do(request))
            except Refusal as refusal:
                reply = _reply(request, refusal.status, refusal.body)
            return reply if fault is None else await _faulty(web_request, request, fault)

        return serve

    def _is_known(self, request: web.Request) -> bool:
        return self.accepts and request.headers.get("Authorization", "").startswith("Bot ")

    def _gateway(self, _request: Request) -> Json:
        limit = {
            "total": 1000,
            "remaining": self.sessions,
            "reset_after": 14_400_000,
            "max_concurrency": self.max_concurrency,
        }
        return {"url": self.gateway_url(), "shards": self.shards, "session_start_limit": limit}

    def _put_commands(self, request: Request) -> list[Json]:
        new = self.responses.snowflakes.new
        filled_in = {"description": "", "application_id": str(self.responses.bot.id), "version": "1"}
        self.commands[:] = [filled_in | command | {"id": str(new())} for command in request.json]
        return self.commands

    def _callback(self, request: Request) -> Json | None:
        id_, token = int(request.values["interaction_id"]), request.values["interaction_token"]
        interaction = self.responses.call_back(id_, token, request.json, request.files)
        if request.query.get("with_response", "").lower() not in ("true", "1"):
            return None
        shown = interaction.reply if interaction.callback is not None and interaction.callback <= 7 else None
        created: Json = {"interaction": {"id": str(id_), "type": int(interaction.kind)}}
        created["interaction"] |= {"response_message_id": str(shown.id)} if shown else {}
        return created | {"resource": {"type": int(request.json["type"])} | _shown(shown)}

    def _follow_up(self, request: Request) -> Json | None:
        interaction = self.responses.find(request.values["webhook_token"])
        return payloads.message(self.responses.follow_up(interaction, request.json, request.files))

    def _get_original(self, request: Request) -> Json:
        return payloads.message(self._original(request))

    def _edit_original(self, request: Request) -> Json:
        message = self._original(request)
        self.responses.edit(message, request.json, request.files)
        return payloads.message(message)

    def _delete_original(self, request: Request) -> None:
        self.responses.delete(self._original(request))

    def _original(self, request: Request) -> Message:
        token, id_ = request.values["webhook_token"], request.values["message_id"]
        return self.responses.original(token, id_)[1]

    def _channel(self, request: Request) -> Channel:
        channel = self.channels.get(int(request.values["channel_id"]))
        if channel is None or channel.deleted:
            raise Refusal(10003)
        if channel.refusal is not None:
            raise Refusal(channel.refusal)
        return channel

    def _message(self, request: Request) -> Message:
        message = self._channel(request).messages.get(int(request.values["message_id"]))
        if message is None or message.deleted or message.is_ephemeral:
            raise Refusal(10008)
        return message

    def _post(self, request: Request) -> Json:
        return payloads.message(self.responses.post(self._channel(request), request.json, request.files))

    def _edit(self, request: Request) -> Json:
        message = self._message(request)
        self.responses.edit(message, request.json, request.files)
        return payloads.message(message)

    def _delete(self, request: Request) -> None:
        self.responses.delete(self._message(request))

    async def _file(self, web_request: web.Request) -> web.StreamResponse:
        request = await read(web_request, FILE)
        self.requests.append(request)
        attachment = self.responses.files.get(int(request.values["attachment_id"]))
        if isinstance(self.faults.of_request(request), Reset):
            return _reset(web_request, request)
        request.status = 200 if attachment else 404
        if attachment is None:
            return web.Response(status=404)
        return web.Response(body=attachment.content, content_type=attachment.content_type)


def _shown(message: Message | None) -> Json:
    return {"message": payloads.message(message)} if message else {}


def _reply(request: Request, status: int, body: object, **headers: str) -> web.Response:
    request.status = status if body is not None else 204
    if body is None:
        return web.Response(status=204)
    # Without the charset that aiohttp would add: discord.py wants exactly Discord's type.
    content = json.dumps(body).encode()
    return web.Response(body=content, status=status, content_type="application/json", headers=headers)


async def _faulty(web_request: web.Request, request: Request, fault: RequestFault) -> web.StreamResponse:
    match fault:
        case Limited(retry_after, everywhere):
            body = {
                "message": "You are being rate limited.",
                "retry_after": retry_after,
                "global": everywhere,
            }
            scope = {"X-RateLimit-Global": "true"} if everywhere else _bucket(request, retry_after)
            # discord.py treats a 429 without this header as a ban by Cloudflare.
            return _reply(
                request, 429, body, Via="1.1 google", **scope, **{"Retry-After": f"{retry_after:.0f}"}
            )
        case Failed(status):
            return _reply(request, status, {"message": f"{status}: Server Error", "code": 0})
        case Refused():
            return _reply(request, fault.refusal().status, fault.refusal().body)
        case Answered(status, body, content_type, headers):
            request.status = status
            own = {"Content-Type": content_type} | dict(headers)  # without a charset, as in _reply
            return web.Response(body=body.encode(), status=status, headers=own)
        case Silent():
            await asyncio.Event().wait()
            raise AssertionError
        case Reset():
            return _reset(web_request, request)


def _bucket(request: Request, retry_after: float) -> dict[str, str]:
    return {
        "X-RateLimit-Bucket": f"{request.method}{request.template}",
        "X-RateLimit-Limit": "5",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset-After": str(retry_after),
        "X-RateLimit-Reset": str(time.time() + retry_after),
    }


def _reset(web_request: web.Request, request: Request) -> web.StreamResponse:
    """Cut the connection so that the other side sees a reset, not an end of file."""
    request.status = 0
    if (transport := web_request.transport) is not None:
        raw = transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_ONCE)
        transport.abort()
    return web.Response()
