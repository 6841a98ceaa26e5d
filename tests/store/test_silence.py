"""A PostgreSQL that does not answer: it costs a few seconds, once, and no cancellation waits for it."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from sqlalchemy import text

from bot.errors import StoreUnavailable
from bot.store.backend import PATIENCE
from bot.store.database import Database, opened
from tests.support.servers import Relay
from tests.support.waiting import until


@pytest_asyncio.fixture
async def relayed() -> AsyncIterator[tuple[Relay, Database]]:
    url = os.environ.get("TEST_POSTGRESQL") or pytest.skip("TEST_POSTGRESQL names no server")
    there = urlsplit(url)
    relay = Relay(there.hostname or "", there.port or 5432)
    async with relay.listening() as port:
        address = there._replace(netloc=f"{there.username}@127.0.0.1:{port}").geturl()
        async with opened(address) as database:
            yield relay, database


async def ask(database: Database, question: str = "SELECT 1") -> object:
    async with database.transaction() as connection:
        return await connection.scalar(text(question))


async def seconds_of(asking: asyncio.Task[object]) -> float:
    loop = asyncio.get_running_loop()
    began = loop.time()
    await asyncio.wait([asking])
    return loop.time() - began


@pytest.mark.slow
async def test_a_query_without_a_response_is_given_up(relayed: tuple[Relay, Database]) -> None:
    relay, database = relayed

    async def ask_once_cut() -> object:
        async with database.transaction() as connection:
            await connection.scalar(text("SELECT 1"))
            relay.cut()
            return await connection.scalar(text("SELECT 2"))

    asking = asyncio.create_task(ask_once_cut())
    took = await seconds_of(asking)

    assert 0.9 * PATIENCE < took < 2 * PATIENCE
    failed = asking.exception()
    assert isinstance(failed, StoreUnavailable)
    assert failed.detail == "OperationalError: no answer within 2 seconds"


@pytest.mark.slow
async def test_the_bot_leaves_a_silent_server_and_reconnects(relayed: tuple[Relay, Database]) -> None:
    relay, database = relayed
    assert await ask(database) == 1

    relay.cut()
    asking = asyncio.create_task(ask(database))
    took = await seconds_of(asking)
    assert isinstance(asking.exception(), StoreUnavailable)
    # The connection that there is, and then a new one.
    assert took < 3 * PATIENCE

    relay.mend()
    assert await ask(database) == 1


async def test_the_server_soon_notices_who_is_gone(relayed: tuple[Relay, Database]) -> None:
    _, database = relayed
    async with database.transaction() as connection:
        idle, *alive = [
            await connection.scalar(text(f"SHOW {setting}"))
            for setting in (
                "idle_in_transaction_session_timeout",
                "tcp_keepalives_idle",
                "tcp_keepalives_interval",
                "tcp_keepalives_count",
            )
        ]
    assert (idle, alive) == ("10s", ["10", "5", "4"])
    # Behind PgBouncer, other programs have the connection next.
    async with database._engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        assert await connection.scalar(text("SHOW idle_in_transaction_session_timeout")) == "0"


@pytest.mark.slow
async def test_what_a_silent_process_has_locked_is_free_within_ten_seconds(
    relayed: tuple[Relay, Database],
) -> None:
    relay, database = relayed
    lock = text("SELECT pg_try_advisory_xact_lock(4711)")
    async with asyncio.timeout(60), opened(os.environ["TEST_POSTGRESQL"]) as other:

        async def is_free() -> bool:
            async with other.transaction() as connection:
                return bool(await connection.scalar(lock))

        async def hold_and_fall_silent() -> None:
            async with database.transaction() as connection:
                assert await connection.scalar(lock)
                relay.cut()
                assert not await is_free()
                while not await is_free():  # noqa: ASYNC110
                    await asyncio.sleep(0.2)

        with pytest.raises(StoreUnavailable):
            await hold_and_fall_silent()


@pytest.mark.slow
async def test_a_statement_that_takes_too_long_is_given_up(relayed: tuple[Relay, Database]) -> None:
    _, database = relayed
    asking = asyncio.create_task(ask(database, "SELECT pg_sleep(30)"))

    assert await seconds_of(asking) < 2 * PATIENCE
    assert isinstance(asking.exception(), StoreUnavailable)
    assert await ask(database) == 1


@pytest.mark.parametrize("is_silent", [True, False])
async def test_a_cancelled_query_ends_at_once(relayed: tuple[Relay, Database], is_silent: bool) -> None:
    relay, database = relayed
    assert await ask(database) == 1
    asking = asyncio.create_task(ask(database, "SELECT pg_sleep(30) /* cancelled */"))
    await until(lambda: is_asked("cancelled"))
    if is_silent:
        relay.cut()
    asking.cancel()

    assert await seconds_of(asking) < 0.5
    assert asking.cancelled()
    relay.mend()
    assert await ask(database) == 1


async def is_asked(what: str) -> bool:
    """Whether the server itself is at ``what``."""
    async with opened(os.environ["TEST_POSTGRESQL"]) as database:
        at_work = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE :what AND pid <> pg_backend_pid()"
        async with database.transaction() as connection:
            return bool(await connection.scalar(text(at_work), {"what": f"%sleep%{what}%"}))


async def test_closing_does_not_wait(relayed: tuple[Relay, Database]) -> None:
    relay, database = relayed
    assert await ask(database) == 1
    relay.cut()

    assert await seconds_of(asyncio.ensure_future(closed(database))) < 0.5


async def closed(database: Database) -> object:
    await database.close()
    return None


@pytest.mark.slow
async def test_the_connection_timeout_may_be_set_in_the_url() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        for parameter, seconds in (("", PATIENCE), ("?connect_timeout=4", 4.0)):
            async with opened(f"postgresql://u@127.0.0.1:{port}/d{parameter}") as database:
                asking = asyncio.create_task(ask(database))
                took = await seconds_of(asking)
            assert isinstance(asking.exception(), StoreUnavailable)
            assert seconds - 0.2 < took < seconds + 1.5
