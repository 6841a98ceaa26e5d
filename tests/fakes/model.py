"""A model in the test's own process, which takes a step when the test allows it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field

from bot.errors import GenerationFailed, StartError
from bot.model.model_info import ModelInfo
from bot.model.protocol import Alike, Capacity, Ended, GenerationRequest, Loading, Step, Stepped
from tests.fakes.scripted_worker import REJECTED, scripted_info, scripted_similar, scripted_step


@dataclass(eq=False)
class FakeModel:
    """Runs requests as ModelProcess does, without a process.

    With ``stepwise`` a request takes only the steps that :meth:`step` allows;
    otherwise it runs as fast as the event loop turns. ``says`` makes each step. A
    prompt that begins with REJECTED fails at its first step.
    """

    stepwise: bool = False
    says: Callable[[GenerationRequest, int], Step] = scripted_step
    info: ModelInfo | None = field(default_factory=scripted_info)
    loading: Loading | None = None
    capacity: Capacity | None = None
    running: list[str] = field(default_factory=list)
    most_running: int = 0
    started: list[str] = field(default_factory=list)
    forgot: int = 0  # calls of forget()
    failure: StartError | None = None  # why it will never be ready
    _known: asyncio.Event = field(default_factory=asyncio.Event)
    _allowed: defaultdict[str, asyncio.Semaphore] = field(
        default_factory=lambda: defaultdict(lambda: asyncio.Semaphore(0))
    )

    async def step(self, request_id: str, count: int = 1) -> None:
        """Allow ``count`` steps, of which the end is one, and wait until they are taken."""
        for _ in range(count):
            self._allowed[request_id].release()
        await settled()

    async def wait_ready(self) -> ModelInfo:
        if self.info is None:
            await self._known.wait()
        if self.failure is not None:
            raise self.failure
        assert self.info is not None
        return self.info

    async def load(self, outcome: ModelInfo | StartError) -> None:
        """End the loading of a model made with ``info=None``, and wait until that is known."""
        if isinstance(outcome, ModelInfo):
            self.info = outcome
        else:
            self.failure = outcome
        self._known.set()
        await settled()

    async def run(self, request: GenerationRequest) -> AsyncGenerator[Stepped | Ended, None]:
        name = request.request_id
        self.started.append(name)
        self.running.append(name)
        self.most_running = max(self.most_running, len(self.running))
        try:
            for index in range(request.steps):
                await self._turn(name)
                if request.prompt_ids[0] == REJECTED:
                    raise GenerationFailed("on cue")
                yield Stepped(name, index, self.says(request, index))
            await self._turn(name)
            yield Ended(name, "length")
        finally:
            self.running.remove(name)

    async def similar(self, token_id: int, count: int) -> tuple[Alike, ...]:
        await asyncio.sleep(0)
        return scripted_similar(token_id, count)

    def forget(self) -> None:
        self.forgot += 1

    async def _turn(self, request_id: str) -> None:
        if self.stepwise:
            await self._allowed[request_id].acquire()
        else:
            await asyncio.sleep(0)


async def settled() -> None:
    """Let every task run until it waits for something."""
    for _ in range(20):
        await asyncio.sleep(0)
