"""Discord's gateway: a bot's connections, one for each shard, their sessions, and the events to replay."""

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
_WRONG_SHARD = 4010
_FOR_GOOD = (1000, 1001)  # a bot that closes with these will not resume
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
    """``count`` is how many shards its bot has, ``shard`` which of them this is."""

    shard: int = 0
    count: int = 1
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    sequence: int = 0
    events: deque[tuple[int, str, Written | None]] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    connection: Connection | None = None

    def gets(self, guild_id: int | None) -> bool:
        """Whether the server's events go here; those of direct messages go to shard 0."""
        return self.shard == (0 if guild_id is None else (guild_id >> 22) % self.count)

    def dispatch(self, name: str, data: Json, written: Written | None = None) -> None:
        """Send an event now, or after the RESUME if there is no connection."""
        self.sequence += 1
        payload = json.dumps({"op": Op.DISPATCH, "d": data, "s": self.sequence, "t": name})
        self.events.append((self.sequence, payload, written))
        if self.connection is not None:
            self.connection.send(payload, written)


@dataclass(eq=False)
class Gateway:
    """``welcome`` returns a new session's first events: READY and what follows.

    ``members`` returns the GUILD_MEMBERS_CHUNK for a request. ``heartbeat`` is in milliseconds. ``refusal``,
    if set, is the close code that answers every IDENTIFY.

    Shards with the same remainder by ``max_concurrency`` may identify once in ``identify_every`` seconds;
    sooner, the session is invalid at once, which ``too_soon`` counts. Discord's are 5; with 0 all is allowed.
    The first ``hasty`` attempts count as too soon in any case.

    Several sessions of one shard all get its events.
    """

    welcome: Callable[[Session], Iterable[tuple[str, Json]]]
    members: Callable[[Json], Json]
    refusal: int | None = None
    heartbeat: int = HEARTBEAT
    max_concurrency: int = 1
    identify_every: float = 0.0
    hasty: int = 0
    sessions: list[Session] = field(default_factory=list)
    identified: int = 0
    resumed: int = 0
    too_soon: int = 0
    joined: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    _identified_at: dict[int, float] = field(default_factory=dict)  # by the remainder

    @property
    def is_connected(self) -> bool:
        return any(session.connection is not None for session in self.sessions)

    @property
    def shards(self) -> list[int]:
        """The shards of all connected sessions, in order."""
        return sorted(session.shard for session in self.sessions if session.connection is not None)

    def dispatch(self, name: str, data: Json, written: Written | None = None) -> None:
        """Send an event to the shard it belongs to; it is lost while that has no session."""
        guild_id = data["id"] if name == "GUILD_CREATE" else data.get("guild_id")
        for session in self.sessions:
            if session.gets(None if guild_id is None else int(guild_id)):
                session.dispatch(name, data, written)

    def reset(self, shard: int | None = None) -> None:
        """Cut the connections, or those of one shard."""
        for session, connection in self._connected(shard):
            session.connection = None
            connection.reset()

    def ask_to_reconnect(self) -> None:
        for session, connection in self._connected():
            connection.end(Op.RECONNECT)
            session.connection = None  # later events are sent after the RESUME

    def invalidate(self, *, resumable: bool) -> None:
        """Send INVALID_SESSION; unless ``resumable``, forget the sessions and their events."""
        for session, connection in self._connected():
            connection.end(Op.INVALID_SESSION, resumable)
            session.connection = None
        if not resumable:
            self.sessions.clear()
            self.joined.clear()

    def _connected(self, shard: int | None = None) -> list[tuple[Session, Connection]]:
        return [
            (session, session.connection)
            for session in self.sessions
            if session.connection is not None and shard in (None, session.shard)
        ]

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
            self._disconnected(connection)
        return socket_

    def _disconnected(self, connection: Connection) -> None:
        session = self._session_of(connection)
        if session is not None:
            session.connection = None
            if connection.socket.close_code in _FOR_GOOD:
                self.sessions.remove(session)
        if not self.is_connected:
            self.left.set()

    def _session_of(self, connection: Connection) -> Session | None:
        return next((session for session in self.sessions if session.connection is connection), None)

    async def _write(self, connection: Connection) -> None:
        with suppress(ConnectionError):  # unwritten events are sent after the RESUME
            await connection.write()

    async def _receive(self, connection: Connection, payload: Json) -> None:
        match payload["op"]:
            case Op.HEARTBEAT:
                connection.send_op(Op.HEARTBEAT_ACK)
            case Op.IDENTIFY:
                shard, count = payload["d"].get("shard", (0, 1))
                refusal = _WRONG_SHARD if not 0 <= shard < count else self.refusal
                if refusal is not None:
                    await connection.socket.close(code=refusal)
                elif self._may_identify(shard):
                    self._identify(Session(shard, count, connection=connection))
                else:
                    self.too_soon += 1
                    connection.send_op(Op.INVALID_SESSION, False)
            case Op.RESUME:
                self._resume(connection, payload["d"])
            case Op.REQUEST_GUILD_MEMBERS:
                if (session := self._session_of(connection)) is not None:
                    session.dispatch("GUILD_MEMBERS_CHUNK", self.members(payload["d"]))

    def _may_identify(self, shard: int) -> bool:
        """Whether the shard's bucket has waited long enough; this attempt counts either way."""
        bucket, now = shard % self.max_concurrency, time.monotonic()
        before, self._identified_at[bucket] = self._identified_at.get(bucket), now
        if self.too_soon < self.hasty:
            return False
        return before is None or now - before >= self.identify_every

    def _identify(self, session: Session) -> None:
        # Who comes again without a RESUME has given up its session.
        self.sessions[:] = [
            each for each in self.sessions if each.connection is not None or each.shard != session.shard
        ]
        self.sessions.append(session)
        self.identified += 1
        for name, data in self.welcome(session):
            session.dispatch(name, data)
        if {each.shard for each in self.sessions if each.connection is not None} >= set(range(session.count)):
            self.joined.set()

    def _resume(self, connection: Connection, resume: dict[str, Any]) -> None:
        session = next((each for each in self.sessions if each.id == resume["session_id"]), None)
        if session is None:
            connection.send_op(Op.INVALID_SESSION, False)
            return
        self.resumed += 1
        for sequence, payload, written in session.events:
            if sequence > (resume["seq"] or 0):
                connection.send(payload, written)
        session.connection = connection
        session.dispatch("RESUMED", {})
