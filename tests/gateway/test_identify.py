"""Shards take turns to identify: one in each bucket, until Discord allows the next."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.gateway.identify import AT_MOST, IdentifyTurns
from tests.fakes.model import settled


class Buckets:
    """The buckets held across processes, and the most at once."""

    def __init__(self) -> None:
        self.held: list[int] = []
        self.most = 0

    @asynccontextmanager
    async def hold(self, bucket: int) -> AsyncIterator[None]:
        self.held.append(bucket)
        self.most = max(self.most, len(self.held))
        yield
        self.held.remove(bucket)


async def test_shards_of_one_bucket_wait_for_each_other_and_others_do_not() -> None:
    turns = IdentifyTurns(every=3_600)
    turns.max_concurrency = 2
    await turns.wait(0)
    turns.use(0)
    await turns.wait(1)
    later = asyncio.create_task(turns.wait(2))
    await settled()
    assert not later.done()
    later.cancel()
    await asyncio.wait([later])
    await turns.close()


async def test_the_next_shard_s_turn_comes_some_time_after_the_first_has_identified() -> None:
    turns = IdentifyTurns(every=0.05)
    clock = asyncio.get_running_loop().time
    await turns.wait(0)
    turns.use(0)
    used = clock()
    await turns.wait(1)

    assert clock() - used >= 0.05
    await turns.close()


async def test_a_turn_that_is_not_used_is_given_back_at_once() -> None:
    turns = IdentifyTurns(every=3_600)
    await turns.wait(0)
    await turns.wait(0)  # it is still its own
    await turns.give_back(0)
    await turns.give_back(0)
    await turns.wait(1)
    await turns.close()


async def test_a_bucket_is_held_across_processes_meanwhile() -> None:
    buckets = Buckets()
    turns = IdentifyTurns(buckets.hold, every=0.05)
    turns.max_concurrency = 16
    await turns.wait(17)
    assert buckets.held == [1]
    turns.use(17)
    assert buckets.held == [1]
    await turns.wait(1)
    assert buckets.held == [1]
    await turns.close()
    assert buckets.held == []


async def test_only_some_buckets_are_held_at_once() -> None:
    buckets = Buckets()
    turns = IdentifyTurns(buckets.hold, every=0.001)
    turns.max_concurrency = 64
    for shard in range(10):
        await turns.wait(shard)
        turns.use(shard)
    await turns.close()

    assert buckets.most <= AT_MOST
