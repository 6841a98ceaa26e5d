"""The generation queue in real time, used from inside a simulation.

SimCord gives the bot's tasks a clock that stands still between two events, and an action in
the simulated Discord lasts until those tasks come to rest. The queue lives in real time, so
none of it may run in the bot's tasks: each stream is read by one task outside the simulation,
for its whole life, and the bot only waits for what that task hands over.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import Context
from typing import Any, Generic, ParamSpec, TypeVar

from bot.model.protocol import Alike, GenerationRequest
from bot.queue.generations import Generations, GenerationsWrapper
from bot.queue.limits import Asker
from bot.queue.updates import Update, Warming

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Item = TypeVar("Item")

Wait = Callable[[Awaitable[Any]], Awaitable[Any]]


def outside(call: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
    """Call outside the simulation: SimCord recognizes its own calls by their context."""
    return Context().run(call, *args, **kwargs)


async def _plainly(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


def _nothing() -> None:
    pass


class SimulatedGenerations(GenerationsWrapper):
    """``inner`` for a bot in a simulation.

    ``wait`` awaits each update after the first; an action that should end sooner declares
    the wait as external there. ``shown`` is called whenever the bot has shown the last
    update, which it proves by asking for the next one or by leaving.
    """

    def __init__(
        self, inner: Generations, *, wait: Wait = _plainly, shown: Callable[[], None] = _nothing
    ) -> None:
        super().__init__(inner)
        self._wait = wait
        self._shown = shown

    def cancel(self, group: str, *, owner: int) -> None:
        outside(self._inner.cancel, group, owner=owner)

    def forget(self) -> None:
        outside(self._inner.forget)

    async def similar(self, token_id: int, count: int, *, asker: Asker) -> tuple[Alike, ...]:
        """A lookup takes only a moment, so the action lasts until it is done."""
        return await outside(asyncio.ensure_future, self._inner.similar(token_id, count, asker=asker))

    @asynccontextmanager
    async def warm_up(
        self, *, asker: Asker, group: str, requests: int = 1
    ) -> AsyncIterator[AsyncIterator[Warming]]:
        line = self._inner.warm_up(asker=asker, group=group, requests=requests)
        async with relayed(line, self._wait) as updates:
            try:
                yield self._each(updates)
            finally:
                self._shown()

    @asynccontextmanager
    async def stream(
        self, request: GenerationRequest, *, asker: Asker, group: str | None = None
    ) -> AsyncIterator[AsyncIterator[Update]]:
        async with relayed(self._inner.stream(request, asker=asker, group=group), self._wait) as updates:
            try:
                yield self._each(updates)
            finally:
                self._shown()

    async def _each(self, updates: AsyncIterator[Item]) -> AsyncIterator[Item]:
        async for update in updates:
            yield update
            self._shown()


class _End:
    """Handed over when a stream has no more items."""


class _Relay(Generic[Item]):
    """One task outside the simulation that opens, reads and closes one stream."""

    def __init__(self, stream: AbstractAsyncContextManager[AsyncIterator[Item]]) -> None:
        self._stream = stream
        self._demands: asyncio.Queue[asyncio.Future[Item | _End]] = asyncio.Queue()
        self.task = outside(asyncio.create_task, self._work())

    async def next(self) -> Item | _End:
        """The next item, after a first call that opens the stream; raises what the stream raises."""
        demand: asyncio.Future[Item | _End] = asyncio.get_running_loop().create_future()
        self._demands.put_nowait(demand)
        return await demand

    async def _work(self) -> None:
        demand = await self._demands.get()
        try:
            async with self._stream as items:
                _meet(demand, _End())
                demand = await self._demands.get()
                async for item in items:
                    _meet(demand, item)
                    demand = await self._demands.get()
                _meet(demand, _End())
        except Exception as error:
            if demand.done():
                raise
            demand.set_exception(error)


def _meet(demand: asyncio.Future[Item | _End], item: Item | _End) -> None:
    """Hand ``item`` over, unless the waiting task has been cancelled."""
    if not demand.done():
        demand.set_result(item)


@asynccontextmanager
async def relayed(
    stream: AbstractAsyncContextManager[AsyncIterator[Item]], wait: Wait
) -> AsyncIterator[AsyncIterator[Item]]:
    """``stream``, opened, read and closed in one task outside the simulation.

    ``wait`` awaits every item but the first, which comes at once, as does the opening.
    """
    relay = _Relay(stream)

    async def items() -> AsyncIterator[Item]:
        item = await relay.next()
        while not isinstance(item, _End):
            yield item
            item = await wait(relay.next())

    try:
        await relay.next()
        yield items()
    finally:
        relay.task.cancel()
        await asyncio.wait([relay.task])
        if not relay.task.cancelled():
            relay.task.result()
