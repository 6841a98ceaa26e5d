"""What goes wrong on the way to a model service, and that it is noticed and said."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import trustme
from yarl import URL

from bot.model import wire
from bot.model.protocol import Capacity, Ended, Pong, Submit
from bot.model.remote import connection as connection_module
from bot.model.remote.connection import (
    Busy,
    Connection,
    NotConnected,
    OtherModel,
    ServiceError,
    Silent,
    Unfit,
    Unreachable,
)
from tests.support.scripted_requests import a_request

Writer = Callable[[asyncio.StreamWriter], Awaitable[None]]

HEAD = (
    "HTTP/1.1 200 OK\r\n"
    f"{wire.VERSION_HEADER}: {wire.VERSION}\r\n{wire.REPLICA_HEADER}: a\r\n"
    "Transfer-Encoding: chunked\r\n\r\n"
).encode()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONNECT", "ANSWER", "ASKED", "SILENCE"):
        monkeypatch.setattr(connection_module, name, 1.0)


@asynccontextmanager
async def to(answer: Writer, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Connection]:
    """A connection to a server that reads each request's head and answers with ``answer``."""
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            if (await reader.readexactly(1)).isalpha():
                await reader.readuntil(b"\r\n\r\n")
                await answer(writer)
            else:  # a TLS handshake
                writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.create_task(serve(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    address = URL(f"{'https' if tls else 'http'}://localhost:{server.sockets[0].getsockname()[1]}")
    try:
        async with server, Connection(address, None) as connection:
            yield connection
    finally:
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving)


def answering(*pieces: bytes, then_close: bool = True) -> Writer:
    """Write ``pieces``, each as a chunk of the body (an empty one ends it), and hang or close."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces))
        await writer.drain()
        if not then_close:
            await asyncio.sleep(5)

    return answer


def saying(head: str) -> Writer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {head}\r\nContent-Length: 0\r\n\r\n".encode())

    return answer


async def streamed(answer: Writer) -> list[object]:
    """The messages of a text's stream, up to the error that ends it."""
    messages: list[object] = []
    async with (
        to(answer) as connection,
        connection.stream(Submit(a_request()), fingerprint="scripted") as stream,
    ):
        try:
            async for message in stream:
                messages.append(message)  # noqa: PERF401 - up to the error
        except ServiceError as error:
            messages.append(type(error))
    return messages


ENDED = Ended("a", "length")
ALIVE = Capacity(1, 1, 8, "scripted")


@pytest.mark.parametrize(("then_close", "error"), [(True, Unreachable), (False, Silent)])
async def test_a_stream_that_goes_on_no_further_is_noticed(
    then_close: bool, error: type[ServiceError]
) -> None:
    answer = answering(wire.encode(ALIVE), wire.encode(ENDED)[:7], then_close=then_close)
    assert await streamed(answer) == [ALIVE, error]


@pytest.mark.parametrize(
    "garbage",
    [b"\xff\xff\xff\xff", b"\x00\x11\x00\x00", b"\x00\x00\x00\x02{]", wire.encode(Pong())],
    ids=["long", "longer than a step", "odd", "wrong"],
)
async def test_garbage_in_a_stream_is_noticed(garbage: bytes) -> None:
    assert await streamed(answering(wire.encode(ALIVE), garbage)) == [ALIVE, Unreachable]


async def test_a_frame_in_pieces_is_one_message() -> None:
    frame = wire.encode(ENDED)
    assert await streamed(answering(*(frame[n : n + 1] for n in range(len(frame))))) == [ENDED, Unreachable]


@pytest.mark.parametrize(
    ("head", "error"),
    [
        ("503 Service Unavailable", Busy),
        ("409 Conflict", OtherModel),
        ("401 Unauthorized", Unfit),
        ("404 Not Found", Unreachable),
        ("500 Internal Server Error", Unreachable),
        ("302 Found\r\nLocation: http://elsewhere.invalid", Unreachable),
        ("200 OK", Unfit),
    ],
)
async def test_each_refusal_has_its_meaning(head: str, error: type[ServiceError]) -> None:
    async with to(saying(head)) as connection:
        with pytest.raises(error):
            await connection.capacity()


async def test_no_answer_is_noticed() -> None:
    async with to(lambda writer: asyncio.sleep(5)) as connection:
        with pytest.raises(Silent):
            await connection.capacity()


async def test_nobody_there_is_noticed() -> None:
    async with Connection(URL("http://127.0.0.1:9"), None) as connection:
        with pytest.raises(NotConnected):
            await connection.capacity()


async def test_an_answer_of_another_kind_is_noticed() -> None:
    async with to(answering(wire.encode_body(Pong()))) as connection:
        with pytest.raises((Unfit, Unreachable)):
            await connection.capacity()


async def test_an_answer_in_pieces_is_read_to_its_end() -> None:
    body = wire.encode_body(ALIVE)

    async def slowly(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD)
        for piece in (body[:20], body[20:]):
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await writer.drain()
            await asyncio.sleep(0.05)
        writer.write(b"0\r\n\r\n")

    async with to(slowly) as connection:
        assert await connection.capacity() == ALIVE


async def test_an_answer_without_an_end_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "MAX_FRAME_BYTES", 1_000)
    async with to(answering(b"x" * 1_001, then_close=False)) as connection:
        with pytest.raises(Unreachable, match="bytes"):
            await connection.capacity()


async def test_more_room_than_any_service_has_is_garbage() -> None:
    async with to(answering(wire.encode_body(Capacity(1, 1, 10**9, "scripted")), b"")) as connection:
        with pytest.raises(Unreachable):
            await connection.capacity()


async def test_a_certificate_that_does_not_fit_is_named() -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("localhost").configure_cert(tls)
    async with to(saying("200 OK"), tls=tls) as connection:
        with pytest.raises(Unfit) as error:
            await connection.capacity()
    assert error.value.variable == "MODEL_URL"
    assert "certificate" in error.value.problem


async def test_a_certificate_by_an_authority_of_one_s_own_fits(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(tls)
    async with to(answering(wire.encode_body(ALIVE), b""), tls=tls) as connection:
        assert await connection.capacity() == ALIVE


async def test_a_certificate_for_another_name_does_not_fit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("elsewhere.example").configure_cert(tls)
    async with to(saying("200 OK"), tls=tls) as connection:
        # OpenSSL's own sentence ends with a full stop.
        with pytest.raises(Unfit, match=r"Hostname mismatch.*'localhost'$"):
            await connection.capacity()


async def test_a_service_without_tls_is_named() -> None:
    async with to(saying("200 OK")) as plain:
        address = plain.address.with_scheme("https")
        async with Connection(address, None) as connection:
            with pytest.raises(Unfit):
                await connection.capacity()
