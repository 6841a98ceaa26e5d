"""Fixtures that all tests share.

The bot runs in a simulated Discord with the real model worker. A test that uses
``world`` (or ``ada``, ``grace``, ``channel`` in it) is marked
``pytest.mark.asyncio(loop_scope="session")``, because the worker is started once
and lives in the session's event loop.

    result = await ada.slash(channel, "next", prompt="London was", seed=42)
    assert "London was" in text_of(result)          # tests.support.reading
"""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
import pytest_asyncio
from discord import InteractionResponseType
from simcord import ChannelHandle, MemberActor

from bot.app import Started
from bot.client import TokenwiseBot
from bot.launch import started
from bot.model.client.process import ModelProcess
from bot.playground.real_time import SimulatedGenerations
from bot.playground.world import World, simulated
from bot.services import Services
from bot.settings import Settings
from bot.store.database import IN_MEMORY, Database, opened
from bot.store.migrations import bring_forward
from bot.store.runs import Runs
from bot.store.tables import metadata
from tests.support.own_database import take_own_database

if TYPE_CHECKING:  # Playwright takes a while to import, and few tests need it
    from playwright.sync_api import Browser

    from tests.support.browsing import Playground

# A loaded machine makes an example slow, not wrong.
hypothesis.settings.register_profile("tokenwise", deadline=None)
hypothesis.settings.load_profile("tokenwise")


def pytest_configure(config: pytest.Config) -> None:
    # The bots that tests start keep what they pack here, not in the home folder.
    os.environ.setdefault("CACHE_DIR", str(config.rootpath / ".pytest_cache" / "packed"))
    # OpenMP's threads spin while they wait, and so take the cores from the tests beside them: a small
    # model then writes ten times slower. Workers and programs that tests start inherit this.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # pytest-xdist names the process; without it there is only one.
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        take_own_database(worker)


def pytest_xdist_auto_num_workers() -> int:
    """One process more than there are cores, since tests also wait; more than four gain nothing."""
    return min(4, (os.cpu_count() or 1) + 1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take long, so that no process still has one when the others are done."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    """Send reports between processes without lone surrogates, which tests log on purpose."""
    return _encodable((yield))


def _encodable(data: Any) -> Any:
    match data:
        case str():
            return data.encode(errors="backslashreplace").decode()
        case dict():
            return {key: _encodable(value) for key, value in data.items()}
        case list() | tuple():
            return type(data)(map(_encodable, data))
        case _:
            return data


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def parts() -> AsyncIterator[Started]:
    """The real worker with the demo model (or MODEL), loaded, and the queue. In the session's loop."""
    settings = Settings.from_env({name: os.environ.get(name, "") for name in ("MODEL", "CACHE_DIR")})
    async with started(settings) as parts:
        await parts.model.wait_ready()
        yield parts


@pytest.fixture(scope="session")
def services(parts: Started) -> Services:
    return parts.services


@pytest.fixture(scope="session")
def model(parts: Started) -> ModelProcess:
    assert isinstance(parts.model, ModelProcess)
    return parts.model


@pytest.fixture(params=["memory", "file", "postgresql"])
def url(request: pytest.FixtureRequest, database_url: str) -> str:
    """The URL of each kind of database: SQLite always, PostgreSQL where there is one.

    ``TEST_POSTGRESQL`` is the URL of a PostgreSQL database that the tests may empty,
    such as ``postgresql://user:password@127.0.0.1/tokenwise_test``.
    """
    match request.param:
        case "memory":
            return IN_MEMORY
        case "file":
            return database_url
        case _:
            return os.environ.get("TEST_POSTGRESQL") or pytest.skip("TEST_POSTGRESQL names no server")


@pytest.fixture
def shared() -> str:
    """The URL of a database that several processes may use."""
    return os.environ.get("TEST_POSTGRESQL") or pytest.skip("TEST_POSTGRESQL names no server")


@pytest_asyncio.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """Each kind of database, empty, in the test's own loop."""
    async with opened(url) as database:
        async with database.transaction() as connection:
            await connection.run_sync(metadata.drop_all)
            await connection.run_sync(bring_forward)
        yield database


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/runs.sqlite3"


@pytest_asyncio.fixture(loop_scope="session")
async def runs(database_url: str) -> AsyncIterator[Runs]:
    """An empty record of runs, in a file."""
    async with opened(database_url) as database:
        yield Runs(database, days=30)


@pytest_asyncio.fixture(loop_scope="session")
async def world(services: Services, runs: Runs, caplog: pytest.LogCaptureFixture) -> AsyncIterator[World]:
    """A new simulated Discord with a new bot in it; unexpected errors fail the test."""
    own = replace(services, generations=SimulatedGenerations(services.generations), runs=runs)
    async with simulated(own, settle_timeout=120) as world:
        yield world
    assert_no_pings(world)
    errors = [record for record in caplog.get_records("call") if record.levelno >= logging.ERROR]
    assert not errors, [record.getMessage() for record in errors]


def assert_no_pings(world: World) -> None:
    """Assert that every message the bot sent or edited forbids all mentions."""
    for request in world.env.http_requests:
        body = request.json if isinstance(request.json, dict) else {}
        message = body.get("data") or body
        if body.get("type") == InteractionResponseType.modal.value:
            continue  # a form is not a message
        if "components" in message:
            assert message.get("allowed_mentions", {}).get("parse") == [], (request.method, request.path)


@pytest_asyncio.fixture(loop_scope="session")
async def restart(world: World, database_url: str) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Replaces the world's bot by a new one, which knows only what is in the database."""
    async with AsyncExitStack() as stack:

        async def restart() -> None:
            database = await stack.enter_async_context(opened(database_url))
            own = replace(world.bot.services, runs=Runs(database, days=30))
            await world.env.restart_bot(TokenwiseBot(own))

        yield restart


@pytest.fixture
def ada(world: World) -> MemberActor:
    """A person on the server."""
    return world.members[0]


@pytest.fixture
def grace(world: World) -> MemberActor:
    """Another person on the server."""
    return world.members[1]


@pytest.fixture
def channel(world: World) -> ChannelHandle:
    return world.channel


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    """A browser."""
    from tests.support.browsing import browser

    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, window: Browser) -> Iterator[Playground]:
    """A playground in its own process, whose model is loaded."""
    from tests.support.browsing import playground, wait_for_model

    with playground(tmp_path_factory.mktemp("playground")) as started:
        wait_for_model(window, started.url)
        yield started
