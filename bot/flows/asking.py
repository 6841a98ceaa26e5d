"""One answer of the model, for commands that show nothing before it is whole."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from bot.errors import GenerationFailed
from bot.model.protocol import GenerationRequest
from bot.queue.generations import Generations
from bot.queue.limits import Asker
from bot.queue.updates import Completion, Finished, Update


@asynccontextmanager
async def asked(
    generations: Generations, request: GenerationRequest, *, asker: Asker, group: str | None = None
) -> AsyncIterator[Callable[[], Awaitable[Completion]]]:
    """Admit the request, as one of ``group``, or raise; what is given then waits for its answer."""
    async with generations.stream(request, asker=asker, group=group) as updates:

        async def answer() -> Completion:
            return await _last(updates)

        yield answer


async def _last(updates: AsyncIterator[Update]) -> Completion:
    async for update in updates:
        if isinstance(update, Finished):
            return update.completion
    raise GenerationFailed("the stream ended without an answer")
