"""Several requests of one person, followed as one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Self

from bot.errors import GenerationFailed, UnavailableError, Withheld
from bot.model.protocol import GenerationRequest
from bot.queue.generations import Generations
from bot.queue.limits import Asker
from bot.queue.updates import News, Progress, Queued, Update, is_over


@asynccontextmanager
async def together(
    generations: Generations, requests: Sequence[GenerationRequest], *, asker: Asker
) -> AsyncIterator[AsyncIterator[tuple[News, ...]]]:
    """Admit all ``requests`` or none, as one group, and follow them round by round.

    Entering raises what :meth:`Generations.stream` does; then none of them is left
    in progress. In a round everybody who runs has news, so rounds come at the pace
    of a single stream; the last one says how each has ended. Leaving early ends all.
    """
    async with AsyncExitStack() as stack:
        streams = [
            await stack.enter_async_context(
                generations.stream(request, asker=asker, group=requests[0].request_id)
            )
            for request in requests
        ]
        rounds = _Rounds(streams)
        try:
            yield rounds
        finally:
            await rounds.leave()


class _Rounds:
    """Reads each stream in a task of its own, one update at a time."""

    def __init__(self, streams: Sequence[AsyncIterator[Update]]) -> None:
        self._streams = streams
        self._news: list[News] = [Queued(1, None)] * len(streams)
        self._reading: dict[int, asyncio.Task[Update]] = {}
        self._begun = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> tuple[News, ...]:
        going = {number for number, news in enumerate(self._news) if not is_over(news)}
        if self._begun and not going:
            raise StopAsyncIteration
        running = {number for number in going if isinstance(self._news[number], Progress)}
        # The first update of each comes at once.
        await self._round(going, all_of=running if self._begun else going)
        self._begun = True
        return tuple(self._news)

    async def leave(self) -> None:
        for task in self._reading.values():
            task.cancel()
        await asyncio.gather(*self._reading.values(), return_exceptions=True)

    async def _round(self, going: set[int], *, all_of: set[int]) -> None:
        """Take news of all who run, or of anybody while all wait."""
        for number in going - self._reading.keys():
            self._reading[number] = asyncio.create_task(_next(self._streams[number]))
        if all_of:
            await asyncio.wait([self._reading[number] for number in all_of])
        elif going:
            await asyncio.wait(self._reading.values(), return_when=asyncio.FIRST_COMPLETED)
        for number, task in list(self._reading.items()):
            if task.done():
                del self._reading[number]
                self._news[number] = _outcome(task)


async def _next(updates: AsyncIterator[Update]) -> Update:
    try:
        return await anext(updates)
    except StopAsyncIteration:
        raise GenerationFailed("the stream ended without an answer") from None


def _outcome(task: asyncio.Task[Update]) -> News:
    error = task.exception()
    return error if isinstance(error, (UnavailableError, Withheld)) else task.result()
