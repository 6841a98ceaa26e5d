"""Requests that run in a worker while it fails, and what became of them."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from bot.errors import GenerationFailed, ModelLoading
from bot.model.client.process import ModelProcess, worker_command
from bot.model.protocol import GenerationRequest, SamplingParams
from bot.queue.limits import Asker, Limits
from bot.queue.queue import GenerationQueue
from bot.queue.updates import Finished, Progress
from bot.settings import DEMO_MODEL

PROMPTS = [(40313, 481), (23421, 373), (464, 2068, 7586), (1026, 373, 257)]
STEPS = 150
POLL = 0.002  # seconds

TokenIds = tuple[int, ...]


def innocent(steps: int = STEPS) -> list[GenerationRequest]:
    return [
        GenerationRequest(f"innocent {n}", prompt, SamplingParams(max_new_tokens=steps, seed=n))
        for n, prompt in enumerate(PROMPTS)
    ]


@dataclass(eq=False, slots=True)
class Serving:
    """A model that serves, the queue before it, and what each request says undisturbed."""

    model: ModelProcess
    queue: GenerationQueue
    undisturbed: dict[TokenIds, TokenIds]  # by prompt
    loading: float  # seconds until the first worker was ready
    asked: int = 0
    progress: int = 0  # how often any request was told that it got further

    async def said(self, request: GenerationRequest) -> TokenIds | GenerationFailed:
        """The request's token ids, or why it failed; under an id of its own."""
        self.asked += 1
        own = replace(request, request_id=f"{request.request_id} {self.asked}")
        try:
            async with self.queue.stream(own, asker=Asker(self.asked, None)) as updates:
                async for update in updates:
                    if isinstance(update, Progress) and update.steps:
                        self.progress += 1
                    if isinstance(update, Finished):
                        return tuple(step.chosen.token_id for step in update.completion.steps)
        except GenerationFailed as failure:
            return failure
        raise AssertionError("the stream did not finish")

    async def served(self) -> float:
        """The time at which a worker has answered."""
        while True:
            try:
                await self.model.similar(481, 1)
            except (ModelLoading, GenerationFailed):
                await asyncio.sleep(POLL)
            else:
                return time.monotonic()


@asynccontextmanager
async def serving(
    command: Sequence[str], *, steps: int = STEPS, patience: float = 8.0
) -> AsyncIterator[Serving]:
    """Start the worker, and let it say once what the innocent requests say."""
    started = time.monotonic()
    async with (
        ModelProcess(command, name="the model", patience=patience) as model,
        GenerationQueue(model, Limits(max_waiting=64, max_running=8, per_person=1, deadline=7200)) as queue,
    ):
        await model.wait_ready()
        found = Serving(model, queue, {}, time.monotonic() - started)
        for request in innocent(steps):
            said = await found.said(request)
            assert isinstance(said, tuple), said
            found.undisturbed[request.prompt_ids] = said
        yield found


def faulty_command(folder: Path, model: str = DEMO_MODEL) -> tuple[str, ...]:
    """The worker that fails on cue, with ``folder`` for its memory.

    Where memory is to lack, the C library must not have some reserved for other threads.
    """
    program = ("env", "MALLOC_ARENA_MAX=1", sys.executable, "-m", "tests.fakes.faulty_worker", str(folder))
    return (*program, *worker_command(model, None, 1, 8, prefix_cache=64)[3:])


async def when(happens: Callable[[], bool]) -> float:
    """Wait until it happens; the time at which it did."""
    while not happens():  # noqa: ASYNC110 - it happens in another process
        await asyncio.sleep(POLL)
    return time.monotonic()


@dataclass(slots=True)
class Recovery:
    """When the first worker was ``gone``, and after how many seconds at most one served ``again``."""

    gone: float | None = None
    again: float | None = None

    async def follow(self, serving: Serving, *, deaths: int = 1) -> None:
        """After so many deaths there has to be an answer; after those before, a worker that is ready.

        For what kills each worker may be back before anybody else's question.
        """
        model = serving.model
        for left in reversed(range(deaths)):
            pid = model.pid
            gone = await when(lambda pid=pid: model.pid != pid)  # type: ignore[misc]
            back = await (when(lambda: model.serving) if left else serving.served())
            self.gone = self.gone or gone
            self.again = max(self.again or 0.0, back - gone)


def differing(serving: Serving, requests: Sequence[GenerationRequest], said: Sequence[object]) -> int:
    """How many of ``requests`` said something else than undisturbed."""
    pairs = zip(requests, said, strict=True)
    return sum(isinstance(one, tuple) and one != serving.undisturbed[r.prompt_ids] for r, one in pairs)
