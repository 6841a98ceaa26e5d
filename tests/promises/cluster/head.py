"""The head node of the cluster dies, and is started again.

    python -m tests.promises.cluster.head [--away 20] [--machines 2] [--texts 12] [--steps 400]

A head and other machines, each a ``ray start --block`` of its own, are supervised as their
operator would: what ends is started again, also ``serve run``, which deploys the model service.
While people's texts are written, all processes of the head are killed at once, and may start
again after a while. The bot's queue and its model are never restarted. The program prints what
became of the texts, from when on new requests are refused and when those are to come back, and
the seconds until the service writes again.

Every replica has a worker that writes tokens made from the request, so each is known.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ray import serve

from bot.cluster import deployed
from bot.cluster.replica import Worker
from bot.errors import ModelUnreachable, TokenwiseError, UnavailableError
from bot.model.protocol import GenerationRequest
from bot.model.remote.service import ModelService
from bot.queue.limits import Asker
from bot.queue.queue import GenerationQueue
from bot.queue.updates import Finished
from tests.fakes.scripted_worker import scripted_step
from tests.promises.cluster.stations import Stations, stations
from tests.promises.cluster.texts import requests
from tests.promises.figures import parser, verdict
from tests.support.queues import queue_before
from tests.support.waiting import until

TOGETHER = 8  # texts that a replica writes at once
STEP = 0.05  # seconds that a worker takes for a token
PATIENCE = 400.0  # seconds until the service must be there, at first and again
BETWEEN = 1.0  # seconds from one new request to the next


def app(arguments: Mapping[str, Any]) -> serve.Application:
    """The application that ``serve run`` deploys."""
    worker = Worker(tuple(arguments["command"]), "the model", TOGETHER, log_level="ERROR")
    count = arguments["replicas"]
    return deployed(worker, replicas=(count, count), threads=1, queue_size=100)


@dataclass(slots=True)
class Head:
    """What was seen; seconds from the head's death on, or from its return for ``again``.

    ``ends`` are those of the texts that were being written, ``refusals`` those of new requests with the
    seconds after which to come back; ``wrong`` has a sentence for each text that ended as it should not.
    """

    ends: Counter[str] = field(default_factory=Counter)
    refusals: list[tuple[float, float]] = field(default_factory=list)
    new_ends: Counter[str] = field(default_factory=Counter)
    again: float | None = None
    starts: list[int] = field(default_factory=list)  # of the other machines
    wrong: list[str] = field(default_factory=list)

    @property
    def kept(self) -> bool:
        return self.again is not None and bool(self.refusals) and not self.wrong


@dataclass(eq=False)
class People:
    """Ask ``queue``, and note its answers in ``found``."""

    queue: GenerationQueue
    found: Head
    asked: int = 0

    async def read(self, request: GenerationRequest, ends: Counter[str]) -> None:
        """Read a text to its end; raises UnavailableError if it is refused."""
        self.asked += 1
        async with self.queue.stream(request, asker=Asker(self.asked, None)) as updates:
            try:
                async for update in updates:
                    if isinstance(update, Finished):
                        self._check(request, update)
                        ends["finished"] += 1
            except ModelUnreachable:
                ends["told to come back"] += 1
            except TokenwiseError as error:
                self.found.wrong.append(f"{request.request_id} failed: {error!r}")

    def _check(self, request: GenerationRequest, end: Finished) -> None:
        said = [step.chosen.token_id for step in end.completion.steps]
        if said != [scripted_step(request, index).chosen.token_id for index in range(request.steps)]:
            self.found.wrong.append(f"{request.request_id} has other tokens, or only {len(said)}")

    async def keep_asking(self, died: float) -> None:
        """Ask for short texts, one after the other, and note refusals."""
        async with asyncio.TaskGroup() as group:
            while True:
                (request,) = requests(self.asked + 1, 10, seed=1)[-1:]
                group.create_task(self._ask(request, died))
                await asyncio.sleep(BETWEEN)

    async def _ask(self, request: GenerationRequest, died: float) -> None:
        try:
            await self.read(request, self.found.new_ends)
        except ModelUnreachable as refusal:
            self.found.refusals.append((time.monotonic() - died, refusal.retry_after))
        except UnavailableError as error:
            self.found.wrong.append(f"a new request was refused with {error!r}")


async def measure(running: Stations, *, away: float, texts: int, steps: int) -> Head:
    found = Head()
    async with ModelService(running.address, None) as model:
        await until(lambda: model.capacity.replicas == len(running.others), patience=PATIENCE)
        _tell("the service is there")
        async with queue_before(model, max_waiting=200, per_person=1, deadline=900.0) as queue:
            people = People(queue, found)
            reading = [
                asyncio.create_task(people.read(one, found.ends)) for one in requests(texts, steps, seed=0)
            ]
            await until(lambda: queue.load.running == texts)
            await asyncio.sleep(1.0)
            running.cut_head()
            _tell("the head is dead")
            died = time.monotonic()
            asking = asyncio.create_task(people.keep_asking(died))
            await asyncio.sleep(away)
            running.restore_head()
            _tell("the head may start")
            found.again = await _again(model)
            _tell("the service is there again")
            await asyncio.wait(reading)
            asking.cancel()
            await asyncio.wait([asking])
    found.starts = [station.starts for station in running.others]
    return found


async def _again(model: ModelService) -> float | None:
    """Seconds until the service has replicas; None if it does not come back."""
    began = time.monotonic()
    try:
        await until(lambda: model.serving, patience=PATIENCE)
    except TimeoutError:
        return None
    return time.monotonic() - began


def _tell(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


def report(found: Head) -> int:
    print(f"texts       {_counted(found.ends)}")
    if found.refusals:
        times, seconds = zip(*found.refusals, strict=True)
        print(
            f"refused     {len(times)} new ones, {min(times):.0f} to {max(times):.0f} s after its death",
            end="",
        )
        print(f": to come back after {min(seconds):.0f} to {max(seconds):.0f} s")
    print(f"new texts   {_counted(found.new_ends)}")
    again = "never" if found.again is None else f"{found.again:.0f} s after the head may start"
    print(f"service     again {again}; the other machines started {found.starts} times")
    for sentence in found.wrong[:20]:
        print(f"    {sentence}")
    bar = "texts finish or are refused with a time to come back, and the service recovers"
    return verdict(bar, kept=found.kept)


def _counted(ends: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in ends.most_common()) or "none"


async def run(options: Any) -> Head:
    with tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as folder:
        script = json.dumps([{"step_seconds": STEP}])
        command = [sys.executable, "-m", "tests.fakes.scripted_worker", f"{folder}/journal", script]
        arguments = {"command": command, "replicas": options.machines}
        async with stations(Path(folder), options.machines, f"{__spec__.name}:app", arguments) as running:
            return await measure(running, away=options.away, texts=options.texts, steps=options.steps)


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--away", type=float, default=20.0, help="seconds until it may start again")
    arguments.add_argument("--machines", type=int, default=2, help="besides the head")
    arguments.add_argument("--texts", type=int, default=12)
    arguments.add_argument("--steps", type=int, default=400)
    options = arguments.parse_args()
    logging.basicConfig(level="ERROR")
    return report(asyncio.run(run(options)))


if __name__ == "__main__":
    raise SystemExit(main())
