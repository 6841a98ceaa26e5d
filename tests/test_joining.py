"""Joining Discord: what a wrong token and a missing network end in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import discord
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.errors import DiscordUnreachable, InvalidSetting, ModelUnusable
from bot.generation import GenerationQueue
from bot.joining import join
from bot.runs import Runs
from bot.services import Services
from bot.startup import Started
from bot.tokenization import Encodings
from tests.fakes.model import FakeModel

SECRET = "a.very.secret"  # noqa: S105


class UnusableModel(FakeModel):
    async def wait_ready(self) -> None:
        raise ModelUnusable("nowhere", problem="there is no such model.")


@pytest.fixture
async def parts() -> AsyncIterator[Started]:
    model: Any = UnusableModel(info=None)
    async with GenerationQueue(model, max_waiting=1, max_running=1, per_owner=1, deadline=60) as queue:
        yield Started(model, queue, Services(queue, Encodings(), Runs()))


@pytest.fixture
async def discord_api(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[web.Application]:
    """A Discord on loopback that knows no token."""

    async def refuse(_request: web.Request) -> web.Response:
        return web.json_response({"message": "401: Unauthorized", "code": 0}, status=401)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", refuse)
    async with TestServer(application) as server:
        monkeypatch.setattr(discord.http.Route, "BASE", str(server.make_url("/api")))
        yield application


@pytest.mark.usefixtures("discord_api")
async def test_a_refused_token_names_the_setting_and_not_the_token(parts: Started) -> None:
    with pytest.raises(InvalidSetting, match="DISCORD_TOKEN was refused by Discord") as caught:
        await join(SECRET, parts)

    assert SECRET not in str(caught.value)


async def test_without_a_network_it_says_so(parts: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discord.http.Route, "BASE", "http://127.0.0.1:1/api")

    with pytest.raises(DiscordUnreachable, match="Discord cannot be reached"):
        await join(SECRET, parts)
