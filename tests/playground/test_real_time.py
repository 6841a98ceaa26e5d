"""A stream read inside the simulation behaves as the one it stands for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

import pytest

from bot.errors import GenerationFailed
from bot.model.protocol import Alike
from bot.playground.real_time import SimulatedGenerations, relayed
from bot.queue.limits import Asker, Limits
from bot.queue.queue import GenerationQueue
from tests.fakes.model import FakeModel
from tests.fakes.scripted_worker import scripted_similar

Log = list[str]


async def plainly(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


@asynccontextmanager
async def counting(
    log: Log, *, end: int = 3, fail_at: int | None = None
) -> AsyncIterator[AsyncIterator[int]]:
    """0, 1, 2 … with a deadline around it, which only works within one task."""

    async def numbers() -> AsyncIterator[int]:
        for number in range(end):
            if number == fail_at:
                raise LookupError(number)
            await asyncio.sleep(0)
            yield number

    try:
        async with asyncio.timeout(60):
            log.append("opened")
            yield numbers()
    finally:
        log.append("closed")


async def test_all_items_come_in_order_and_the_stream_is_closed() -> None:
    log: Log = []

    async with relayed(counting(log), plainly) as items:
        assert [item async for item in items] == [0, 1, 2]

    assert log == ["opened", "closed"]


async def test_leaving_early_closes_the_stream() -> None:
    log: Log = []

    async with relayed(counting(log), plainly) as items:
        assert await anext(items) == 0

    assert log == ["opened", "closed"]


async def test_an_error_of_the_stream_reaches_its_reader() -> None:
    log: Log = []

    async with relayed(counting(log, fail_at=1), plainly) as items:
        assert await anext(items) == 0
        with pytest.raises(LookupError):
            await anext(items)

    assert log == ["opened", "closed"]


async def test_a_stream_that_cannot_be_opened_raises_at_once() -> None:
    @asynccontextmanager
    async def refused() -> AsyncIterator[AsyncIterator[int]]:
        raise PermissionError
        yield

    with pytest.raises(PermissionError):
        async with relayed(refused(), plainly):
            raise AssertionError("it was opened")


async def test_an_error_of_the_reader_passes_and_closes_the_stream() -> None:
    log: Log = []

    with pytest.raises(ZeroDivisionError):
        async with relayed(counting(log), plainly) as items:
            raise ZeroDivisionError(await anext(items))

    assert log == ["opened", "closed"]


async def test_cancelling_the_reader_closes_the_stream() -> None:
    log: Log = []
    reading = asyncio.Event()

    async def read_on() -> None:
        async with relayed(counting(log, end=10**9), plainly) as items:
            async for _ in items:
                reading.set()

    reader = asyncio.create_task(read_on())
    await reading.wait()
    reader.cancel()

    with pytest.raises(asyncio.CancelledError):
        await reader
    assert log == ["opened", "closed"]


async def test_the_next_item_is_requested_only_when_needed() -> None:
    """A stream of newest states must not buffer, as a buffered state gets stale."""
    asked = 0

    @asynccontextmanager
    async def stream() -> AsyncIterator[AsyncIterator[int]]:
        async def items() -> AsyncIterator[int]:
            nonlocal asked
            while True:
                asked += 1
                yield asked

        yield items()

    async with relayed(stream(), plainly) as items:
        await anext(items)
        await asyncio.sleep(0.01)

    assert asked == 1


async def test_a_lookup_is_made_outside_the_simulation_and_its_error_comes_through() -> None:
    inside: ContextVar[bool] = ContextVar("inside", default=False)

    class Outer(FakeModel):
        async def similar(self, token_id: int, count: int) -> tuple[Alike, ...]:
            assert not inside.get()
            if token_id < 0:
                raise GenerationFailed("no such token")
            return await super().similar(token_id, count)

    inside.set(True)
    async with GenerationQueue(
        Outer(), Limits(max_waiting=1, max_running=1, per_person=1, deadline=60)
    ) as queue:
        generations = SimulatedGenerations(queue)

        assert await generations.similar(7, 3, asker=Asker(1, None)) == scripted_similar(7, 3)
        assert generations.load == queue.load
        with pytest.raises(GenerationFailed):
            await generations.similar(-1, 3, asker=Asker(1, None))
