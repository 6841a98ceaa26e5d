"""Requests that run in a worker while it fails, and how long it takes to recover."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from bot.errors import GenerationFailed
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


def bystanders(steps: int = STEPS) -> list[GenerationRequest]:
    return [
        GenerationRequest(f"bystanders {n}", prompt, SamplingParams(max_new_tokens=steps, seed=n))
        for n, prompt in enumerate(PROMPTS)
    ]


@dataclass(eq=False, slots=True)
class Serving:
    """A serving model, its queue, and the token ids that each request gives undisturbed."""

    model: ModelProcess
    queue: GenerationQueue
    expected: dict[TokenIds, TokenIds]  # by prompt
    loading: float  # seconds until the first worker was ready
    requests: int = 0
    progress: int = 0  # updates with new tokens, of all requests

    async def generate(self, request: GenerationRequest) -> TokenIds | GenerationFailed:
        """The request's token ids, or its error. Runs it under a new id."""
        self.requests += 1
        own = replace(request, request_id=f"{request.request_id} {self.requests}")
        try:
            async with self.queue.stream(own, asker=Asker(self.requests, None)) as updates:
                async for update in updates:
                    if isinstance(update, Progress) and update.steps:
                        self.progress += 1
                    if isinstance(update, Finished):
                        return tuple(step.chosen.token_id for step in update.completion.steps)
        except GenerationFailed as failure:
            return failure
        raise AssertionError("the stream did not finish")

    async def wait_until_served(self) -> float:
        """Return the time at which a worker first answers."""
        while True:
            try:
                await self.model.similar(481, 1)
            except GenerationFailed:
                await asyncio.sleep(POLL)
            else:
                return time.monotonic()


@asynccontextmanager
async def serving(
    command: Sequence[str], *, steps: int = STEPS, patience: float = 8.0
) -> AsyncIterator[Serving]:
    """Start the worker, and run the bystanders once to learn their token ids."""
    started = time.monotonic()
    async with (
        ModelProcess(command, name="the model", patience=patience) as model,
        GenerationQueue(model, Limits(max_waiting=64, max_running=8, per_person=1, deadline=7200)) as queue,
    ):
        await model.wait_ready()
        found = Serving(model, queue, {}, time.monotonic() - started)
        for request in bystanders(steps):
            said = await found.generate(request)
            assert isinstance(said, tuple), said
            found.expected[request.prompt_ids] = said
        yield found


def faulty_command(folder: Path, model: str = DEMO_MODEL) -> tuple[str, ...]:
    """The command of a worker that fails on cue, and records its faults in ``folder``.

    One of its faults is lack of memory, so the C library must not reserve some for other threads.
    """
    program = ("env", "MALLOC_ARENA_MAX=1", sys.executable, "-m", "tests.fakes.faulty_worker", str(folder))
    return (*program, *worker_command(model, None, 1, 8, prefix_cache=64)[3:])


async def wait_for(happens: Callable[[], bool]) -> float:
    """Wait until it happens; return the time at which it did."""
    while not happens():  # noqa: ASYNC110 - it happens in another process
        await asyncio.sleep(POLL)
    return time.monotonic()


@dataclass(slots=True)
class Recovery:
    """When the first worker died, and the most ``seconds`` from a death until a worker served."""

    died_at: float | None = None
    seconds: float | None = None

    async def follow(self, serving: Serving, *, deaths: int = 1) -> None:
        """Wait until the last of ``deaths`` workers was replaced by one that answers.

        Earlier replacements need only be ready: what kills them may reach them before any other request.
        """
        model = serving.model
        for left in reversed(range(deaths)):
            pid = model.pid
            gone = await wait_for(lambda pid=pid: model.pid != pid)  # type: ignore[misc]
            back = await (wait_for(lambda: model.serving) if left else serving.wait_until_served())
            self.died_at = self.died_at or gone
            self.seconds = max(self.seconds or 0.0, back - gone)


def count_differing(serving: Serving, requests: Sequence[GenerationRequest], said: Sequence[object]) -> int:
    """The number of ``requests`` whose token ids are not those they give undisturbed."""
    pairs = zip(requests, said, strict=True)
    return sum(isinstance(one, tuple) and one != serving.expected[r.prompt_ids] for r, one in pairs)
