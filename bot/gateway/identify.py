"""Turns to identify: Discord allows one in five seconds to each bucket of shards."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext

# Seconds from one to the next, with some to spare: Discord counts from when each arrives.
EVERY = 5.25
# Turns at once: each holds a connection to the database.
AT_MOST = 4

# Holds a bucket across processes, for the block.
Across = Callable[[int], AbstractAsyncContextManager[None]]


def _alone(_bucket: int) -> AbstractAsyncContextManager[None]:
    return nullcontext()


class IdentifyTurns:
    """Gives each shard its turn. Shards with the same remainder by ``max_concurrency`` share a bucket.

    A bucket is held from :meth:`wait` until ``every`` seconds after :meth:`use`, and ``across`` processes.
    By default these are EVERY.
    """

    def __init__(self, across: Across = _alone, *, every: float | None = None) -> None:
        self.max_concurrency = 1
        self._across = across
        self._every = EVERY if every is None else every
        self._room = asyncio.Semaphore(AT_MOST)
        self._buckets: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._waited: dict[int, AsyncExitStack] = {}
        self._used: set[asyncio.Task[None]] = set()

    async def wait(self, shard_id: int) -> None:
        """Return when it is the shard's turn; at once if it has waited before and not used it."""
        if shard_id in self._waited:
            return
        bucket = shard_id % self.max_concurrency
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._buckets[bucket])
            await stack.enter_async_context(self._room)
            await stack.enter_async_context(self._across(bucket))
            self._waited[shard_id] = stack.pop_all()

    def use(self, shard_id: int) -> None:
        """The shard identifies now."""
        if (holding := self._waited.pop(shard_id, None)) is not None:
            task = asyncio.create_task(self._release_later(holding), name=f"the turn of shard {shard_id}")
            self._used.add(task)
            task.add_done_callback(self._used.discard)

    async def give_back(self, shard_id: int) -> None:
        """Let others have the turn, if the shard did not use it."""
        if (holding := self._waited.pop(shard_id, None)) is not None:
            await holding.aclose()

    async def close(self) -> None:
        """Give everything back."""
        for task in self._used:
            task.cancel()
        await asyncio.gather(*self._used, return_exceptions=True)
        for shard_id in list(self._waited):
            await self.give_back(shard_id)

    async def _release_later(self, holding: AsyncExitStack) -> None:
        async with holding:
            await asyncio.sleep(self._every)
