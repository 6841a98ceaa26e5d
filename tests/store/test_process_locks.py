"""A lock is one process's at a time; without a shared database, or while it fails, there is none."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.database import IN_MEMORY, Database, opened
from bot.store.process_locks import Lock, ProcessLocks


class Order:
    """Who had the lock, in order, and whether two ever had it at once."""

    def __init__(self) -> None:
        self.inside = 0
        self.most = 0

    async def work(self, locks: ProcessLocks, lock: Lock, number: int = 0) -> None:
        async with locks.held(lock, number):
            self.inside += 1
            self.most = max(self.most, self.inside)
            await asyncio.sleep(0.05)
            self.inside -= 1


@pytest.fixture
def shared(database: Database) -> Database:
    return database if database.is_shared else pytest.skip("SQLite has only one process")


async def test_a_lock_is_held_by_one_process_at_a_time(shared: Database) -> None:
    order = Order()
    await asyncio.gather(*(order.work(ProcessLocks(shared), Lock.HOUSEKEEPING) for _ in range(3)))

    assert order.most == 1


async def test_other_locks_and_other_numbers_do_not_wait(shared: Database) -> None:
    locks, there = ProcessLocks(shared), ProcessLocks(shared)
    async with (
        asyncio.timeout(10),
        locks.held(Lock.IDENTIFY, 0),
        there.held(Lock.IDENTIFY, 1),
        there.held(Lock.COMMANDS),
    ):
        pass


async def test_a_lock_is_free_after_an_error(shared: Database) -> None:
    with pytest.raises(LookupError):
        async with ProcessLocks(shared).held(Lock.COMMANDS):
            raise LookupError
    async with asyncio.timeout(10), ProcessLocks(shared).held(Lock.COMMANDS):
        pass


class Overheard(Database):
    """Gives the connection of its latest transaction away."""

    latest: AsyncConnection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        async with super().transaction() as self.latest:
            yield self.latest


async def test_the_lock_of_a_machine_that_is_gone_does_not_outlast_it_for_long(
    shared: Database, url: str
) -> None:
    database = Overheard(url)
    async with ProcessLocks(database).held(Lock.IDENTIFY):
        assert await database.latest.scalar(text("SHOW tcp_keepalives_idle")) == "10"
    await database.close()


async def test_a_lock_may_be_held_for_long(shared: Database, url: str) -> None:
    database = Overheard(url)
    async with ProcessLocks(database).held(Lock.IDENTIFY):
        assert await database.latest.scalar(text("SHOW idle_in_transaction_session_timeout")) == "0"
    async with database.transaction() as connection:
        assert await connection.scalar(text("SHOW idle_in_transaction_session_timeout")) == "10s"
    await database.close()


async def test_one_process_has_no_locks() -> None:
    async with opened(IN_MEMORY) as database:
        for alone in (ProcessLocks(), ProcessLocks(database)):
            async with asyncio.timeout(10), alone.held(Lock.COMMANDS), alone.held(Lock.COMMANDS):
                pass


async def test_without_the_database_every_process_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    async with opened("postgresql://nobody@127.0.0.1:1/nothing") as unreachable:
        locks = ProcessLocks(unreachable)
        with caplog.at_level(logging.WARNING):
            async with locks.held(Lock.COMMANDS), locks.held(Lock.HOUSEKEEPING):
                pass

    assert caplog.text.count("doing without locks between processes") == 1
