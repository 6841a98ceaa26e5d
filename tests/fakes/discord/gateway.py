"""Discord's gateway: one bot's connection, its session, and the events it has to replay."""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import struct
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from aiohttp import WSMsgType, web

from tests.fakes.discord.state import Json

HEARTBEAT = 41_250  # ms
REMEMBERED = 10_000  # events of a session
_RESET_AT_ONCE = struct.pack("ii", 1, 0)


class Op(IntEnum):
    """Gateway opcodes."""

    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    RESUME = 6
    RECONNECT = 7
    REQUEST_GUILD_MEMBERS = 8
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11


class Connection:
    """One WebSocket. A single task writes what is to be sent, in order.

    ``cut_at`` is the ``time.monotonic`` at which it was cut or ended, if it was.
    """

    def __init__(self, socket_: web.WebSocketResponse, transport: asyncio.Transport, *, is_compressed: bool):
        self.socket = socket_
        self.cut_at: float | None = None
        self._transport = transport
        self._zlib = zlib.compressobj() if is_compressed else None
        self._outbox: asyncio.Queue[tuple[str, Written | None]] = asyncio.Queue()

    def send(self, payload: str, written: Written | None = None) -> None:
        self._outbox.put_nowait((payload, written))

    def send_op(self, op: Op, data: object = None) -> None:
        self.send(json.dumps({"op": op, "d": data, "s": None, "t": None}))

    async def write(self) -> None:
        while True:
            payload, written = await self._outbox.get()
            if self._zlib is None:
                await self.socket.send_str(payload)
            else:
                await self.socket.send_bytes(
                    self._zlib.compress(payload.encode()) + self._zlib.flush(zlib.Z_SYNC_FLUSH)
                )
            if written is not None:
                written(self)

    def end(self, op: Op, data: object = None) -> None:
        """Send the reason why the bot must reconnect; nothing else is sent on this connection."""
        self.cut_at = time.monotonic()
        self.send_op(op, data)

    def reset(self) -> None:
        self.cut_at = time.monotonic()
        raw = self._transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_ONCE)
        self._transport.abort()


Written = Callable[[Connection], None]


@dataclass(eq=False)
class Session:
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    sequence: int = 0
    events: deque[tuple[int, str, Written | None]] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    connection: Connection | None = None

    def dispatch(self, name: str, data: Json, written: Written | None = None) -> None:
        """Send an event now, or after the RESUME if there is no connection."""
        self.sequence += 1
        payload = json.dumps({"op": Op.DISPATCH, "d": data, "s": self.sequence, "t": name})
        self.events.append((self.sequence, payload, written))
        if self.connection is not None:
            self.connection.send(payload, written)


@dataclass(eq=False)
class Gateway:
    """``welcome`` returns a new session's first events, given its id: READY and what follows.

    ``members`` returns the GUILD_MEMBERS_CHUNK for a request. ``heartbeat`` is in milliseconds. ``refusal``,
    if set, is the close code that answers every IDENTIFY.
    """

    welcome: Callable[[str], Iterable[tuple[str, Json]]]
    members: Callable[[Json], Json]
    refusal: int | None = None
    heartbeat: int = HEARTBEAT
    session: Session | None = None
    identified: int = 0
    resumed: int = 0
    joined: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_connected(self) -> bool:
        return self.session is not None and self.session.connection is not None

    def dispatch(self, name: str, data: Json, written: Written | None = None) -> None:
        """Send an event to the bot; it is lost while there is no session."""
        if self.session is not None:
            self.session.dispatch(name, data, written)

    def reset(self) -> None:
        """Cut the connection."""
        if self.session is not None and self.session.connection is not None:
            connection, self.session.connection = self.session.connection, None
            connection.reset()

    def ask_to_reconnect(self) -> None:
        if self.session is not None and self.session.connection is not None:
            self.session.connection.end(Op.RECONNECT)
            self.session.connection = None  # later events are sent after the RESUME

    def invalidate(self, *, resumable: bool) -> None:
        """Send INVALID_SESSION; unless ``resumable``, forget the session and its events."""
        if self.session is not None and self.session.connection is not None:
            self.session.connection.end(Op.INVALID_SESSION, resumable)
            self.session.connection = None
        if not resumable:
            self.session = None
            self.joined.clear()

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        socket_ = web.WebSocketResponse(max_msg_size=0)
        await socket_.prepare(request)
        assert isinstance(request.transport, asyncio.Transport)
        compressed = request.query.get("compress") == "zlib-stream"
        connection = Connection(socket_, request.transport, is_compressed=compressed)
        self.left.clear()
        writing = asyncio.create_task(self._write(connection))
        connection.send_op(Op.HELLO, {"heartbeat_interval": self.heartbeat})
        try:
            async for message in socket_:
                if message.type is WSMsgType.TEXT:
                    await self._receive(connection, json.loads(message.data))
        finally:
            writing.cancel()
            await asyncio.wait({writing})
            if self.session is not None and self.session.connection is connection:
                self.session.connection = None
            if not self.is_connected:
                self.left.set()
        return socket_

    async def _write(self, connection: Connection) -> None:
        with suppress(ConnectionError):  # unwritten events are sent after the RESUME
            await connection.write()

    async def _receive(self, connection: Connection, payload: Json) -> None:
        match payload["op"]:
            case Op.HEARTBEAT:
                connection.send_op(Op.HEARTBEAT_ACK)
            case Op.IDENTIFY if self.refusal is not None:
                await connection.socket.close(code=self.refusal)
            case Op.IDENTIFY:
                self._identify(connection)
            case Op.RESUME:
                self._resume(connection, payload["d"])
            case Op.REQUEST_GUILD_MEMBERS:
                self.dispatch("GUILD_MEMBERS_CHUNK", self.members(payload["d"]))

    def _identify(self, connection: Connection) -> None:
        self.session = Session(connection=connection)
        self.identified += 1
        for name, data in self.welcome(self.session.id):
            self.session.dispatch(name, data)
        self.joined.set()

    def _resume(self, connection: Connection, resume: dict[str, Any]) -> None:
        session = self.session
        if session is None or session.id != resume["session_id"]:
            connection.send_op(Op.INVALID_SESSION, False)
            return
        self.resumed += 1
        for sequence, payload, written in session.events:
            if sequence > (resume["seq"] or 0):
                connection.send(payload, written)
        session.connection = connection
        session.dispatch("RESUMED", {})
