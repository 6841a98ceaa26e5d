"""The load grows to what three replicas take, and shrinks again.

    python -m tests.promises.cluster.scaling [--rest 60]

People ask a queue before a model service on a cluster of Ray on loopback, one text after the
other: first a few, then many, then a few again. Every replica has a worker that writes tokens
made from the request, so each is known. The program prints the seconds until there are as many
replicas as the load needs, who was refused and when, and what became of every text; meanwhile
the queue has as many slots as all replicas have places.

The bars: replicas grow to three and shrink back to one; nobody is refused once the third serves;
no text ends early, changes a token or moves because its replica leaves.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from yarl import URL

from bot.errors import QueueFull, TokenwiseError
from bot.model.protocol import GenerationRequest, SamplingParams
from bot.model.remote.service import ModelService
from bot.queue.limits import Asker
from bot.queue.queue import GenerationQueue
from bot.queue.updates import Finished
from tests.fakes.scripted_worker import scripted_step
from tests.promises.cluster.machines import machines
from tests.promises.figures import parser, verdict
from tests.support.queues import queue_before
from tests.support.waiting import until

TOGETHER = 4  # texts that a replica writes at once
MOST = 3  # replicas
STEP = 0.05  # seconds that a worker takes for a token
STEPS = 100  # of each text
FEW, MANY = 2, 11  # people
CALM = 20.0  # seconds of a smaller load after which a replica leaves
QUEUE_FOLLOWS = 1.0  # seconds that the queue takes at most to see new places
PATIENCE = 300.0  # seconds until there must be as many replicas as the load needs

Phase = Literal["few", "growing", "many", "shrinking", "few again"]


@dataclass(slots=True)
class Scaling:
    """What was seen; seconds. ``wrong`` has a sentence for each text that ended as it should not."""

    grew: float = 0.0
    shrank: float = 0.0
    slots: list[int] = field(default_factory=list)  # of the queue, whenever they changed
    texts: int = 0
    refused: Counter[Phase] = field(default_factory=Counter)
    moved: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def kept(self) -> bool:
        sizes = [TOGETHER * replicas for replicas in (1, MOST, 1)]
        refused = sum(count for phase, count in self.refused.items() if phase not in ("few", "growing"))
        followed = [self.slots[0], max(self.slots), self.slots[-1]] == sizes
        return followed and not refused and not self.moved and not self.wrong


@dataclass(eq=False)
class Crowd:
    """People who ask for one text after the other, as many as there should be ``present``."""

    queue: GenerationQueue
    found: Scaling
    phase: Phase = "few"
    present: int = 0
    _asking: dict[int, asyncio.Task[None]] = field(default_factory=dict)

    def become(self, present: int) -> None:
        """From now on there are so many; those who leave read their text to its end."""
        self.present = present
        for person in range(present):
            if person not in self._asking or self._asking[person].done():
                self._asking[person] = asyncio.create_task(self._ask(person))

    async def gone(self) -> None:
        self.present = 0
        await asyncio.gather(*self._asking.values())

    async def _ask(self, person: int) -> None:
        while person < self.present:
            self.found.texts += 1
            params = SamplingParams(max_new_tokens=STEPS, seed=self.found.texts)
            request = GenerationRequest(f"text {self.found.texts}", (person + 100, 1), params)
            try:
                await self._read(request, person)
            except QueueFull:
                self.found.refused[self.phase] += 1
                await asyncio.sleep(1.0)
            except TokenwiseError as error:
                self.found.wrong.append(f"{request.request_id}: {error!r}, with {self.phase}")

    async def _read(self, request: GenerationRequest, person: int) -> None:
        async with self.queue.stream(request, asker=Asker(person, None)) as updates:
            async for update in updates:
                if isinstance(update, Finished):
                    said = [step.chosen.token_id for step in update.completion.steps]
                    if said != [scripted_step(request, index).chosen.token_id for index in range(STEPS)]:
                        self.found.wrong.append(f"{request.request_id} has {len(said)} tokens: {said}")


async def measure(model: ModelService, *, rest: float) -> Scaling:
    """Stay ``rest`` seconds with each load, once the replicas follow it."""
    await model.wait_ready()
    await until(lambda: model.serving)
    found = Scaling()
    async with queue_before(model, max_waiting=TOGETHER, per_person=1, deadline=600.0) as queue:
        watching = asyncio.create_task(_watch(model, found))
        crowd = Crowd(queue, found)
        crowd.become(FEW)
        await asyncio.sleep(rest)
        crowd.phase = "growing"
        crowd.become(MANY)
        found.grew = await _follows(model, MOST)
        await asyncio.sleep(QUEUE_FOLLOWS)
        crowd.phase = "many"
        await asyncio.sleep(rest)
        crowd.phase = "shrinking"
        crowd.become(FEW)
        found.shrank = await _follows(model, 1)
        crowd.phase = "few again"
        await asyncio.sleep(rest)
        await crowd.gone()
        watching.cancel()
        await asyncio.wait([watching])
    found.moved = model.restarts
    return found


async def _watch(model: ModelService, found: Scaling) -> None:
    """Note how many slots there are, whenever that changes."""
    while True:
        if found.slots[-1:] != [model.capacity.slots]:
            found.slots.append(model.capacity.slots)
        await asyncio.sleep(0.1)


async def _follows(model: ModelService, replicas: int) -> float:
    """Seconds until there are so many."""
    began = time.monotonic()
    with suppress(TimeoutError):
        await until(lambda: model.capacity.replicas == replicas, patience=PATIENCE)
    return time.monotonic() - began


def report(found: Scaling) -> int:
    refused = ", ".join(f"{count} while {phase}" for phase, count in found.refused.items()) or "none"
    print(f"replicas   {MOST} after {found.grew:.0f} s, 1 after {found.shrank:.0f} s")
    print(f"slots      {', '.join(map(str, found.slots))}")
    print(f"texts      {found.texts}, {found.moved} moved, {len(found.wrong)} wrong")
    print(f"refused    {refused}")
    for sentence in found.wrong[:20]:
        print(f"    {sentence}")
    return verdict(
        "replicas follow the load, nobody is refused once they serve, no text is cut", kept=found.kept
    )


async def run(address: URL, *, rest: float) -> Scaling:
    async with ModelService(address, None) as model:
        return await measure(model, rest=rest)


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--rest", type=float, default=60.0, help="seconds with each load (default: 60)")
    options = arguments.parse_args()
    logging.basicConfig(level="ERROR")
    with tempfile.TemporaryDirectory() as folder:
        script = json.dumps([{"step_seconds": STEP}])
        command = [sys.executable, "-m", "tests.fakes.scripted_worker", str(Path(folder) / "journal"), script]
        with machines(MOST, command, texts=TOGETHER, replicas=(1, MOST), calm=CALM) as running:
            return report(asyncio.run(run(running.address, rest=options.rest)))


if __name__ == "__main__":
    raise SystemExit(main())
