"""A worker that is killed again and again, each time as soon as it has served something."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from bot.errors import GenerationFailed
from tests.promises.worker_serving import Recovery, Serving, innocent, when

AGAIN_WITHIN = 5.0  # seconds, and the time it loads


@dataclass(frozen=True, slots=True)
class Kills:
    """``again`` are the seconds from each death to the next answer.

    ``beyond`` are those without what the first worker took to load.
    """

    kills: int
    asked: int
    finished: int
    failed: int
    differing: int
    again: tuple[float, ...]
    beyond: tuple[float, ...]

    @property
    def kept(self) -> bool:
        told = self.finished == self.asked and not self.failed + self.differing
        return told and max(self.beyond, default=0.0) <= AGAIN_WITHIN


@dataclass(slots=True)
class _Tally:
    asked: int = 0
    finished: int = 0
    failed: int = 0
    differing: int = 0


async def killed(serving: Serving, count: int, *, steps: int, told: Callable[[int], None]) -> Kills:
    """Keep four requests running, of ``steps`` each, and kill the worker ``count`` times."""
    over, tally = asyncio.Event(), _Tally()
    asking = [asyncio.create_task(_ask(serving, number, steps, over, tally)) for number in range(4)]
    again, beyond = [], []
    chance = Random(count)
    for number in range(count):
        before = serving.progress
        await when(lambda before=before: serving.progress > before)  # type: ignore[misc]
        await asyncio.sleep(chance.random() / 4)
        recovery = Recovery()
        watching = asyncio.create_task(recovery.follow(serving))
        await asyncio.sleep(0)
        assert serving.model.pid is not None
        os.kill(serving.model.pid, signal.SIGKILL)
        await watching
        again.append(recovery.again or 0.0)
        beyond.append(again[-1] - serving.loading)
        told(number + 1)
    over.set()
    await asyncio.gather(*asking)
    return Kills(
        count, tally.asked, tally.finished, tally.failed, tally.differing, tuple(again), tuple(beyond)
    )


async def _ask(serving: Serving, number: int, steps: int, over: asyncio.Event, tally: _Tally) -> None:
    """Ask the same request again and again, until it is ``over``."""
    request = innocent(steps)[number]
    while not over.is_set():
        tally.asked += 1
        said = await serving.said(request)
        if isinstance(said, GenerationFailed):
            tally.failed += 1
            continue
        tally.finished += 1
        tally.differing += said != serving.undisturbed[request.prompt_ids]
