"""Requests to the model: one whose answer is awaited whole, or several followed in step."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Self

from bot.errors import GenerationFailed, UnavailableError, Withheld
from bot.model.protocol import GenerationRequest
from bot.queue.generations import Generations
from bot.queue.limits import Asker
from bot.queue.updates import Completion, Finished, News, Progress, Queued, Update, is_over

_NO_ANSWER = "the stream ended without an answer"


@asynccontextmanager
async def ask(
    generations: Generations, request: GenerationRequest, *, asker: Asker, group: str | None = None
) -> AsyncIterator[Callable[[], Awaitable[Completion]]]:
    """Admit the request, as one of ``group``, or raise; what is yielded then waits for the answer."""
    async with generations.stream(request, asker=asker, group=group) as updates:

        async def answer() -> Completion:
            async for update in updates:
                if isinstance(update, Finished):
                    return update.completion
            raise GenerationFailed(_NO_ANSWER)

        yield answer


@asynccontextmanager
async def ask_all(
    generations: Generations, requests: Sequence[GenerationRequest], *, asker: Asker, group: str
) -> AsyncIterator[AsyncIterator[tuple[News, ...]]]:
    """Admit all ``requests`` or none, as one ``group``, and follow them round by round.

    Entering raises what :meth:`Generations.stream` does, and leaves none in progress then. In a
    round each running request has news, so rounds come at the pace of a single stream; the last
    one says how each ended. Leaving early ends all.
    """
    async with AsyncExitStack() as stack:
        streams = [
            await stack.enter_async_context(generations.stream(request, asker=asker, group=group))
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
        self._is_first = True

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> tuple[News, ...]:
        going = {number for number, news in enumerate(self._news) if not is_over(news)}
        if not (going or self._is_first):
            raise StopAsyncIteration
        running = {number for number in going if isinstance(self._news[number], Progress)}
        # The first update of each comes at once.
        await self._round(going, all_of=going if self._is_first else running)
        self._is_first = False
        return tuple(self._news)

    async def leave(self) -> None:
        for task in self._reading.values():
            task.cancel()
        await asyncio.gather(*self._reading.values(), return_exceptions=True)

    async def _round(self, going: set[int], *, all_of: set[int]) -> None:
        """Take the news of all running requests, or of any while all wait."""
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
        raise GenerationFailed(_NO_ANSWER) from None


def _outcome(task: asyncio.Task[Update]) -> News:
    error = task.exception()
    return error if isinstance(error, (UnavailableError, Withheld)) else task.result()
