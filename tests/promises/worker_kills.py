"""A worker that is killed repeatedly, each time as soon as it has served something."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from bot.errors import GenerationFailed
from tests.promises.worker_serving import Recovery, Serving, bystanders, wait_for

RECOVERED_WITHIN = 5.0  # seconds, plus the loading time


@dataclass(frozen=True, slots=True)
class Kills:
    """``recovery`` has the seconds from each death to the next answer.

    ``beyond`` has the same less the loading time of the first worker.
    """

    kills: int
    requests: int
    finished: int
    failed: int
    differing: int
    recovery: tuple[float, ...]
    beyond: tuple[float, ...]

    @property
    def kept(self) -> bool:
        intact = self.finished == self.requests and not self.failed + self.differing
        return intact and max(self.beyond, default=0.0) <= RECOVERED_WITHIN


@dataclass(slots=True)
class _Tally:
    requests: int = 0
    finished: int = 0
    failed: int = 0
    differing: int = 0


async def kill_repeatedly(
    serving: Serving, count: int, *, steps: int, on_kill: Callable[[int], None]
) -> Kills:
    """Keep four requests of ``steps`` steps running, and kill the worker ``count`` times."""
    over, tally = asyncio.Event(), _Tally()
    asking = [asyncio.create_task(_ask(serving, number, steps, over, tally)) for number in range(4)]
    seconds, beyond = [], []
    chance = Random(count)
    for number in range(count):
        before = serving.progress
        await wait_for(lambda before=before: serving.progress > before)  # type: ignore[misc]
        await asyncio.sleep(chance.random() / 4)
        recovery = Recovery()
        watching = asyncio.create_task(recovery.follow(serving))
        await asyncio.sleep(0)
        assert serving.model.pid is not None
        os.kill(serving.model.pid, signal.SIGKILL)
        await watching
        seconds.append(recovery.seconds or 0.0)
        beyond.append(seconds[-1] - serving.loading)
        on_kill(number + 1)
    over.set()
    await asyncio.gather(*asking)
    return Kills(
        count, tally.requests, tally.finished, tally.failed, tally.differing, tuple(seconds), tuple(beyond)
    )


async def _ask(serving: Serving, number: int, steps: int, over: asyncio.Event, tally: _Tally) -> None:
    """Repeat one request until it is ``over``."""
    request = bystanders(steps)[number]
    while not over.is_set():
        tally.requests += 1
        said = await serving.generate(request)
        if isinstance(said, GenerationFailed):
            tally.failed += 1
            continue
        tally.finished += 1
        tally.differing += said != serving.expected[request.prompt_ids]
