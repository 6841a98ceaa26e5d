"""PgBouncer in transaction mode: each transaction on another connection, and several bots behind it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from bot.errors import StoreUnavailable
from bot.store.database import Database, opened
from bot.store.migrations import bring_forward
from bot.store.runs import Runs
from bot.store.tables import metadata
from tests.support.samples import NOON, completion_run
from tests.support.servers import PGBOUNCER, pgbouncer

pytestmark = pytest.mark.skipif(PGBOUNCER is None, reason="PgBouncer is not installed")


@pytest.fixture
def server() -> str:
    """Host and port."""
    url = os.environ.get("TEST_POSTGRESQL") or pytest.skip("TEST_POSTGRESQL names no server")
    return urlsplit(url).netloc.rpartition("@")[2]


@pytest.fixture
def bouncer(server: str) -> Iterator[str]:
    with pgbouncer(server) as url:
        yield url


async def reopened(database: Database) -> Runs:
    async with database.transaction() as connection:
        await connection.run_sync(metadata.drop_all)
        await connection.run_sync(bring_forward)
    return runs_in(database)


def runs_in(database: Database) -> Runs:
    return Runs(database, days=30, clock=lambda: NOON)


async def keep_and_read(runs: Runs, first: int) -> None:
    """All uses for which drivers prepare statements: inserts of many rows, reads, deletions."""
    for number in range(first, first + 5):
        run = completion_run(f"{number:016x}")
        await runs.keep(run)
        assert await runs.get(run.run_id) == run
    assert await runs.delete_old() == 0


@pytest.mark.slow
async def test_several_bots_share_it_and_connect_again(bouncer: str) -> None:
    async with opened(bouncer) as first:
        runs = await reopened(first)
        await keep_and_read(runs, 0)
        for begin in (100, 200, 300):  # each on connections of its own, and on statements of its own
            async with opened(bouncer) as other:
                await asyncio.gather(
                    *(keep_and_read(runs_in(other), begin + 10 * n) for n in range(4)),
                    *(keep_and_read(runs, begin + 50 + 10 * n) for n in range(4)),
                )
        assert runs.unsaved == 0
        assert (await runs.forget(completion_run().owner)).runs == 5 + 3 * 8 * 5


@pytest.mark.slow
async def test_it_may_be_restarted(server: str) -> None:
    with pgbouncer(server) as url:
        async with opened(url) as database:
            await keep_and_read(await reopened(database), 0)
    with pgbouncer(server) as url:
        async with opened(url) as database:
            await keep_and_read(runs_in(database), 100)


async def test_a_refused_connection_fails_no_command(bouncer: str) -> None:
    async with opened(f"{bouncer}?options=-c%20statement_timeout%3D1000") as database:
        runs = runs_in(database)
        await runs.keep(completion_run())

        assert runs.unsaved == 1
        assert await runs.get(completion_run().run_id)
        with pytest.raises(StoreUnavailable, match="database") as refused:
            await runs.forget(1)
    assert "startup parameter" in refused.value.detail
