"""One HTTP connection to a model service: questions, and streams of messages.

    async with Connection(address, key) as connection:
        capacity = await connection.ask(CAPACITY)
        async with connection.stream(Submit(request)) as stream:
            async for message in stream: …

It says what went wrong, and tries nothing again: that is for :mod:`bot.model.remote.service`.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, TypeVar

import aiohttp
from yarl import URL

from bot.model import wire
from bot.model.protocol import Capacity, Ended, Forget, Lookup, Ready, Rejected, Similar, Stepped, Submit
from bot.model.wire import (
    FINGERPRINT_HEADER,
    HEADER,
    MAX_FRAME_BYTES,
    REPLICA_HEADER,
    VERSION_HEADER,
    WANTED_HEADER,
    ProtocolError,
)

CONNECT = 5.0  # seconds to a connection
ANSWER = 60.0  # seconds to the first byte of a text's stream: it may wait for a place on a replica
ASKED = 8.0  # seconds to the answer of a question
SILENCE = 8.0  # seconds between two messages of a stream, which has one every two seconds at least
LARGEST_STEP = 2**20  # bytes of a message in a stream; one takes some hundreds

_BUSY = 503
_OTHER_MODEL = 409
_KEY_REFUSED = (401, 403)
# Where the network or the other machine goes without a word, the system notices within some ten seconds.
_KEEP_ALIVE = {"TCP_KEEPIDLE": 4, "TCP_KEEPINTVL": 2, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 10_000}


class ServiceError(Exception):
    """A question or a stream failed; the text says why."""


class Unreachable(ServiceError):
    """No answer, or one that broke off."""


class Silent(Unreachable):
    """No answer in time, or nothing more of it."""


class NotConnected(Unreachable):
    """There is nobody at the address."""


class Busy(ServiceError):
    """No replica has a place."""


class OtherModel(ServiceError):
    """The replica that answered has another model than the one that was expected."""


class Unfit(ServiceError):
    """What answers can't be used as it is set up: ``variable`` names the setting to mend."""

    def __init__(self, variable: str, problem: str) -> None:
        super().__init__(f"{variable} {problem}")
        self.variable = variable
        self.problem = problem


Answer = TypeVar("Answer", Capacity, Ready, Similar)

#: What a stream has.
Streamed = Stepped | Ended | Rejected | Capacity


class Stream:
    """The messages of one text, as ``replica`` writes it. Raises Unreachable where they break off."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.replica = response.headers.get(REPLICA_HEADER, "")
        self._content = response.content

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Streamed:
        with _explained():
            async with asyncio.timeout(SILENCE):
                length = wire.body_length(await self._content.readexactly(HEADER.size), LARGEST_STEP)
                message = wire.decode(await self._content.readexactly(length))
        if not isinstance(message, Streamed):
            raise Unreachable(f"it sent a {type(message).__name__} in a text's stream")
        return message


@dataclass(eq=False)
class Connection:
    """A model service at ``address``, which asks for ``key`` if it has one. Enter it before use."""

    address: URL
    key: str | None = field(repr=False)
    _session: aiohttp.ClientSession = field(init=False, repr=False)

    async def __aenter__(self) -> Self:
        headers = {VERSION_HEADER: str(wire.VERSION)}
        if self.key is not None:
            headers["Authorization"] = f"Bearer {self.key}"
        self._session = aiohttp.ClientSession(
            # Made now, because aiohttp's own has the authorities that were trusted when it was imported.
            connector=aiohttp.TCPConnector(limit=0, socket_factory=_socket, ssl=ssl.create_default_context()),
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT),
            # A service may be somewhere else tomorrow, and what it answers is a stranger's.
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def capacity(self) -> Capacity:
        """What the service can do now."""
        return await self._ask(Capacity, "GET", "capacity")

    async def model(self) -> Ready:
        """The model that it has."""
        return await self._ask(Ready, "GET", "model")

    async def similar(self, lookup: Lookup) -> Similar:
        """What :meth:`bot.model.client.process.ModelProcess.similar` returns."""
        return await self._ask(Similar, "POST", "lookups", lookup)

    async def forget(self) -> None:
        """Have all replicas keep nothing of any text so far."""
        async with self._answer("POST", "forget", Forget(), seconds=ASKED):
            return

    @asynccontextmanager
    async def stream(
        self, request: Submit, *, fingerprint: str, replica: str = "", avoid: Collection[str] = ()
    ) -> AsyncIterator[Stream]:
        """Have a text written by a replica with the model ``fingerprint``, preferably by ``replica``.

        Those to ``avoid`` get it only if there is no other. Leaving the block ends it there, too.
        """
        headers = {FINGERPRINT_HEADER: fingerprint}
        if names := [*filter(None, [replica]), *(f"-{name}" for name in avoid)]:
            headers[WANTED_HEADER] = ",".join(names)
        async with self._answer("POST", "texts", request, headers, seconds=ANSWER) as response:
            yield Stream(response)

    async def _ask(
        self, wanted: type[Answer], method: str, path: str, message: Lookup | None = None
    ) -> Answer:
        async with self._answer(method, path, message, seconds=ASKED) as response:
            with _explained():
                async with asyncio.timeout(ASKED):
                    answer = wire.decode(await _whole(response.content))
        if not isinstance(answer, wanted):
            raise Unfit("MODEL_URL", f"answers with a {type(answer).__name__} where none is due")
        return answer

    @asynccontextmanager
    async def _answer(
        self,
        method: str,
        path: str,
        message: Submit | Lookup | Forget | None,
        headers: Mapping[str, str] | None = None,
        *,
        seconds: float,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer to a request, once its head has come within ``seconds``; ServiceError if it is none."""
        body = None if message is None else wire.encode_body(message)
        with _explained():
            async with asyncio.timeout(seconds):
                response = await self._session.request(
                    method, self.address / path, data=body, headers=headers, allow_redirects=False
                )
        try:
            _check(response)
            yield response
        finally:
            response.close()


async def _whole(content: aiohttp.StreamReader) -> bytes:
    """A body to its end, which comes in pieces if it is large; ProtocolError if it is too large."""
    body = bytearray()
    async for piece in content.iter_any():
        body += piece
        if len(body) > MAX_FRAME_BYTES:
            raise ProtocolError(f"more than {MAX_FRAME_BYTES} bytes")
    return bytes(body)


def _check(response: aiohttp.ClientResponse) -> None:
    """Raise the ServiceError that the answer's head means."""
    if response.status in _KEY_REFUSED:
        raise Unfit("MODEL_KEY", "is not the key of the model service")
    if response.status == _BUSY:
        raise Busy("all its replicas are busy")
    if response.status == _OTHER_MODEL:
        raise OtherModel("the replica has another model")
    if response.status >= 300:
        raise Unreachable(f"it answered with status {response.status}")
    version = response.headers.get(VERSION_HEADER)
    if version is None:
        raise Unfit("MODEL_URL", "is not the address of a model service")
    if version != str(wire.VERSION):
        raise Unfit(
            "MODEL_URL",
            f"has a model service of another version of the bot (protocol {version}, this is {wire.VERSION})",
        )


@contextmanager
def _explained() -> Iterator[None]:
    """Raise what goes wrong on the way as a ServiceError."""
    try:
        yield
    except aiohttp.ClientConnectorCertificateError as error:
        reason = getattr(error.certificate_error, "verify_message", "").rstrip(".") or "it cannot be verified"
        raise Unfit("MODEL_URL", f"has a certificate that does not fit: {reason}") from error
    except aiohttp.ClientSSLError as error:
        raise Unfit("MODEL_URL", "does not speak TLS there, or none that fits") from error
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise NotConnected("no connection") from error
    except TimeoutError as error:
        raise Silent("it does not answer") from error
    except asyncio.IncompleteReadError as error:
        raise Unreachable("it broke off") from error
    except ProtocolError as error:
        raise Unreachable(f"it sent {error}") from error
    except (aiohttp.ClientError, OSError) as error:
        raise Unreachable(type(error).__name__) from error


def _socket(address: aiohttp.AddrInfoType) -> socket.socket:
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEP_ALIVE.items():
        if (option := getattr(socket, name, None)) is not None:  # Linux has them all
            made.setsockopt(socket.IPPROTO_TCP, option, value)
    return made
