"""A replica hangs, is slow or has a worker that writes garbage; a service is not the one it should be.

    python -m tests.promises.cluster.faulty [--texts 12] [--steps 300]

Texts are written on a cluster of Ray on loopback whose three replicas have workers that write
tokens made from the request. Once each has begun, a replica or its worker is stopped, or stopped
nine tenths of the time, or the worker writes garbage. Then a bot is set up wrongly: with another
key, without trust in the certificate, for another version. The program prints the seconds until
each is found and what the log says; how many texts ended, how many of their tokens differ, and
the longest pause on the faulty replica, on the others, and before the first token of texts that
are asked for a second later.

The bars: every text ends as if nothing had been; no pause of the others, nor the first token of
new texts, is longer than 2 s.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGUSR1
from types import TracebackType
from typing import Self

import psutil

from bot.model.remote.service import ModelService
from tests.fakes.scripted_worker import scripted_step
from tests.promises.cluster.machines import Machines, machines
from tests.promises.cluster.misfits import Misfit, misfits
from tests.promises.cluster.texts import Told, ask, requests
from tests.promises.figures import parser, verdict
from tests.support.waiting import until

TOGETHER = 16  # texts that a replica writes at once
STEP = 0.05  # seconds that a worker takes for a token
NEW = 6  # texts asked for after a fault
NEW_STEPS = 20
SECOND = 2.0  # seconds that others may pause at most
SLOWED = 0.9, 0.1  # seconds for which a slow worker is stopped, and runs

#: Makes such processes faulty for the block; a replica's own is the first, then its worker's.
Fault = Callable[[Sequence[psutil.Process]], AbstractAsyncContextManager[None]]


@dataclass(frozen=True, slots=True)
class Found:
    """What came of one ``fault``; seconds. ``said`` is what a log says first, so long ``after`` it began."""

    fault: str
    texts: int
    ended: int
    differing: int
    own_pause: float
    others_pause: float
    first_of_new: float
    said: str
    after: float

    @property
    def kept(self) -> bool:
        whole = self.ended == self.texts and not self.differing
        return whole and bool(self.said) and max(self.others_pause, self.first_of_new) <= SECOND

    def __str__(self) -> str:
        return (
            f"{self.fault}: {self.ended} of {self.texts} texts ended, {self.differing} tokens differ; "
            f"longest pause there {self.own_pause:.1f} s, elsewhere {self.others_pause:.1f} s, "
            f"first token of a new text {self.first_of_new:.1f} s\n"
            f"    after {self.after:.1f} s: {self.said or 'nothing is said'}"
        )


@dataclass(eq=False)
class Said:
    """The first line that the bot, or a replica of it, logs in a block."""

    running: Machines
    text: str = ""
    after: float = 0.0
    _lines: list[str] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        handler = logging.Handler(logging.WARNING)
        handler.emit = lambda record: self._lines.append(record.getMessage())  # type: ignore[method-assign]
        self._handler = handler
        logging.getLogger("bot").addHandler(handler)
        self._reading = asyncio.create_task(self._read(self.running.log()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        logging.getLogger("bot").removeHandler(self._handler)
        self._reading.cancel()
        await asyncio.wait([self._reading])

    async def _read(self, before: Sequence[str]) -> None:
        began = time.monotonic()
        while not self.text:
            await asyncio.sleep(0.1)
            news = [*self._lines, *(line for line in self.running.log() if line not in before)]
            self.text = news[0] if news else ""
        self.after = time.monotonic() - began


@asynccontextmanager
async def replica_hangs(processes: Sequence[psutil.Process]) -> AsyncIterator[None]:
    processes[0].suspend()
    yield
    with suppress(psutil.Error):  # Serve has ended it
        processes[0].resume()


@asynccontextmanager
async def worker_hangs(processes: Sequence[psutil.Process]) -> AsyncIterator[None]:
    processes[1].suspend()
    yield  # the replica ends it


@asynccontextmanager
async def worker_is_slow(processes: Sequence[psutil.Process]) -> AsyncIterator[None]:
    async def slow() -> None:
        while True:
            processes[1].suspend()
            await asyncio.sleep(SLOWED[0])
            processes[1].resume()
            await asyncio.sleep(SLOWED[1])

    slowing = asyncio.create_task(slow())
    yield
    slowing.cancel()
    await asyncio.wait([slowing])
    processes[1].resume()


@asynccontextmanager
async def worker_writes_garbage(processes: Sequence[psutil.Process]) -> AsyncIterator[None]:
    processes[1].send_signal(SIGUSR1)
    yield


FAULTS: tuple[Fault, ...] = (worker_hangs, worker_is_slow, worker_writes_garbage, replica_hangs)


async def inflicted(running: Machines, fault: Fault, *, texts: int, steps: int, seed: int) -> Found:
    """Have ``texts`` written, and inflict ``fault`` on the replica that has most of them."""
    async with ModelService(running.address, None) as model:
        await model.wait_ready()
        told = [Told(request) for request in requests(texts, steps, seed)]
        asking = [asyncio.create_task(ask(model, one)) for one in told]
        await until(lambda: all(len(one.steps) > 2 for one in told))
        on = {name: text.replica for name, text in model._running.items()}
        victim = Counter(on.values()).most_common(1)[0][0]
        new = [Told(request) for request in requests(texts + NEW, NEW_STEPS, seed + 1)[texts:]]
        async with Said(running) as said, fault(running.replica(victim)):
            await asyncio.sleep(1.0)
            asking += [asyncio.create_task(ask(model, one)) for one in new]
            await asyncio.gather(*asking)
    own = [one for one in told if on[one.request.request_id] == victim]
    others = [one for one in told if one not in own]
    return Found(
        fault.__name__.replace("_", " "),
        len([*told, *new]),
        sum(one.ended for one in [*told, *new]),
        sum(map(differing, [*told, *new])),
        _longest(own),
        _longest(others),
        max(one.times[min(1, len(one.steps))] - one.times[0] for one in new),
        said.text,
        said.after,
    )


def _longest(told: Sequence[Told]) -> float:
    return max((one.longest_pause for one in told), default=0.0)


def differing(told: Told) -> int:
    """How many of a text's tokens are not those that its worker must write, or are missing."""
    expected = [scripted_step(told.request, index) for index in range(told.request.steps)]
    same = sum(one == other for one, other in zip(told.steps, expected, strict=False))
    return max(len(expected), len(told.steps)) - same


def report(found: Sequence[Found | Misfit]) -> int:
    for each in found:
        print(each)
    bar = f"each is found and said; others pause {SECOND:.0f} s at most, and no token differs"
    return verdict(bar, kept=all(each.kept for each in found))


async def measure(running: Machines, texts: int, steps: int) -> list[Found | Misfit]:
    found: list[Found | Misfit] = []
    for number, fault in enumerate(FAULTS):
        await running.whole()
        found.append(await inflicted(running, fault, texts=texts, steps=steps, seed=10 * number))
    return [*found, *await misfits()]


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--texts", type=int, default=12)
    arguments.add_argument("--steps", type=int, default=300)
    options = arguments.parse_args()
    logging.basicConfig(level="ERROR", handlers=[logging.NullHandler()])
    logging.getLogger("bot").setLevel("WARNING")
    with tempfile.TemporaryDirectory() as folder:
        script = json.dumps([{"step_seconds": STEP}])
        command = [sys.executable, "-m", "tests.fakes.scripted_worker", str(Path(folder) / "journal"), script]
        with machines(3, command, texts=TOGETHER) as running:
            return report(asyncio.run(measure(running, options.texts, options.steps)))


if __name__ == "__main__":
    raise SystemExit(main())
