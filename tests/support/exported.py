"""A bot on which every metric has a value, as some appear only after their first event."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

import pytest

from bot.errors import QueueFull
from bot.model.protocol import GenerationRequest, SamplingParams
from bot.queue.limits import Asker
from tests.fakes.model import settled
from tests.support.watched import Watched, a_watched_bot

HEARTBEAT = 0.04  # seconds
ROOM = 5  # requests that fit into the queue: one running, four waiting


def a_request(seen: Watched, person: int) -> AbstractAsyncContextManager[object]:
    request = GenerationRequest(f"of {person}", (1,), SamplingParams(max_new_tokens=2))
    return seen.queue.stream(request, asker=Asker(person, None))


@asynccontextmanager
async def a_busy_bot() -> AsyncIterator[Watched]:
    """A bot with a full queue, a refusal, a worker and a response from Discord."""
    async with a_watched_bot() as seen, AsyncExitStack() as stack:
        seen.model.pid = os.getpid()
        seen.bot.heartbeat = HEARTBEAT
        seen.bot.http_trace.responses["2xx"] += 1
        for person in range(ROOM):
            await stack.enter_async_context(a_request(seen, person))
        with pytest.raises(QueueFull):
            await stack.enter_async_context(a_request(seen, ROOM))
        await settled()
        await seen.model.step("of 0")
        yield seen
