"""The databases that the store is tested on: SQLite always, PostgreSQL where one is at hand.

``TEST_POSTGRESQL`` is the address of a PostgreSQL database that the tests may
empty, such as ``postgresql://user:password@127.0.0.1/tokenwise_test``.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.store.database import IN_MEMORY, Database, opened
from bot.store.tables import metadata


@pytest.fixture(params=["memory", "file", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    match request.param:
        case "memory":
            return IN_MEMORY
        case "file":
            return f"sqlite:///{tmp_path}/runs.sqlite3"
        case _:
            return os.environ.get("TEST_POSTGRESQL") or pytest.skip("TEST_POSTGRESQL names no server")


@pytest_asyncio.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """An empty database."""
    async with opened(url) as database:
        async with database.transaction() as connection:
            await connection.run_sync(metadata.drop_all)
            await connection.run_sync(metadata.create_all)
        yield database
