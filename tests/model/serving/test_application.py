"""What a client with the key, or without it, cannot do to a replica."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from bot.model import wire
from bot.model.protocol import Submit
from bot.model.serving import application as application_module
from tests.support.model_services import FakeReplica, on_loopback
from tests.support.scripted_requests import a_request


async def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(application_module, "BODY", 0.05)

    async with on_loopback(FakeReplica().app()) as address:
        reader, writer = await asyncio.open_connection(address.host, address.port)
        writer.write(b"POST /texts HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{")
        async with asyncio.timeout(10):
            assert b" 408 " in await reader.readline()
        writer.close()


async def test_a_text_s_id_is_short() -> None:
    # Every message of its stream has it.
    async with on_loopback(FakeReplica().app()) as address, aiohttp.ClientSession() as session:
        body = wire.encode_body(Submit(a_request("a" * 101)))
        async with session.post(address / "texts", data=body) as answer:
            assert (answer.status, await answer.text()) == (400, "its id is too long")


@pytest.mark.parametrize("path", ["capacity", "model", "texts", "nowhere"])
async def test_nothing_is_told_without_the_key(path: str) -> None:
    async with on_loopback(FakeReplica(key="k").app()) as address, aiohttp.ClientSession() as session:
        for header in (
            {},
            {"Authorization": "Bearer "},
            {"Authorization": "Bearer ü"},
            {"Authorization": "k"},
        ):
            async with session.get(address / path, headers=header) as answer:
                assert (answer.status, await answer.text()) == (401, "the key is missing or wrong")
