"""Try libpq's parameters without a server: let it connect to a socket of ours.

libpq looks at most parameters, and at every certificate, only when it connects. If it gets as
far as to begin a session, it would do so with the real server, which need not be there yet.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import struct
from collections.abc import Mapping
from contextlib import suppress

from psycopg import AsyncConnection, Error

# How libpq asks whether a connection may be encrypted, before anything else.
_TLS = struct.pack("!ll", 8, 80877103)
_KERBEROS = struct.pack("!ll", 8, 80877104)

_WHERE = re.compile(r"^connection (failed|is bad): (connection to server at .* failed: )?")
_QUOTED = re.compile(r'"([^"]*)"')


# libpq goes on without these, but a file that is named should be there.
_FILES = ("sslcert", "sslkey", "sslcrl")


class _Listener:
    """Agrees to TLS, and hangs up on what comes then; ``convinced`` says that something came."""

    def __init__(self, *, has_tls: bool) -> None:
        self._has_tls = has_tls
        self.convinced = False

    async def answer(self, listening: socket.socket) -> None:
        """One connection after the other, until cancelled."""
        while True:
            connection, _ = await asyncio.get_running_loop().sock_accept(listening)
            with connection, suppress(ConnectionError):
                connection.setblocking(False)
                await self._talk(connection)

    async def _talk(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while request := await loop.sock_recv(connection, 4096):
            if request == _KERBEROS:
                await loop.sock_sendall(connection, b"N")
            elif request == _TLS and self._has_tls:
                await loop.sock_sendall(connection, b"S")
            else:
                self.convinced = True
                return


async def rehearse(parameters: Mapping[str, str]) -> str | None:
    """Why libpq refuses these parameters, without their values; None if it would connect with them."""
    for name in _FILES:
        if name in parameters and ":" not in parameters[name] and not os.access(parameters[name], os.R_OK):
            return f"{name} names a file that cannot be read"
    host = next((host for host in parameters.get("host", "").split(",") if not host.startswith("/")), "")
    # Sockets in the file system are never encrypted, so nothing is asked of certificates.
    listener = _Listener(has_tls=bool(host))
    try:
        listening = socket.create_server(("127.0.0.1", 0))
    except OSError:
        return None  # no loopback, so the first connection has to tell
    with listening:
        listening.setblocking(False)
        there = {"host": host or "localhost", "hostaddr": "127.0.0.1", "port": listening.getsockname()[1]}
        answering = asyncio.create_task(listener.answer(listening), name="rehearsal")
        try:
            await AsyncConnection.connect(**{**parameters, **there, "connect_timeout": 2})
        except Error as error:  # always: the rehearsal lets no client in
            return None if listener.convinced else _without_values(error, parameters)
        finally:
            answering.cancel()
            await asyncio.wait([answering])
    return None


def _without_values(error: Error, parameters: Mapping[str, str]) -> str:
    """The first line of what libpq says; it quotes what it was given."""
    said = _WHERE.sub("", str(error).strip().split("\n")[0])
    for value in parameters.values():
        said = said.replace(f'"{value}"', "…")
    return _QUOTED.sub(lambda quoted: quoted[0] if quoted[1] in parameters else "…", said)
