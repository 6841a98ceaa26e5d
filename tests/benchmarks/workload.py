"""What every program has to do, and what is measured.

It is the same for our worker and its peers: random prompts from the same ids, one process
a program, the same order of measurements. Two programs are measured side by side, in turn,
because what a machine gives can change from one minute to the next: two processors of a
virtual machine may share a core of its host or have one each.
"""

from __future__ import annotations

import asyncio
import math
import random
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, TypeVar

from tests.benchmarks.bandwidth import read_bandwidth

Precision = Literal["float32", "bfloat16", "int8"]
Prompts = list[list[int]]
Generate = Callable[[Prompts, int], Awaitable[list[int]]]

OURS = "worker"  # the name of our own program among the others
OURS_IN_FLOAT32 = "worker_float32"
GENERATE = "generate"  # transformers' own
PROMPT_TOKENS = 16
NEW_TOKENS = 32
LONG_PROMPT_TOKENS = 512
TOGETHER = 8
TRIES = 4
LONGEST_SETTLING = 30.0  # seconds
SAME_MEMORY = 0.005  # GiB
#: Of each task: prompts together, their tokens, new tokens of each.
TASKS = {
    "alone": (1, PROMPT_TOKENS, NEW_TOKENS),
    "together": (TOGETHER, PROMPT_TOKENS, NEW_TOKENS),
    "first_token": (1, LONG_PROMPT_TOKENS, 1),
}
LARGEST_ID = 50_000  # well below the end of text, 50,256


@dataclass(frozen=True)
class Figures:
    """One program's figures in one round: seconds, GiB, tokens/s, and the memory bandwidth in GB/s.

    ``load`` is the time from the start of the process to the first token of a short prompt, and
    ``loading`` the most memory meanwhile, without pages of files, which the system can take back.
    ``loaded`` is the memory after a few tokens, when lazily read weights are there too and it no longer
    changes, and ``peak`` the most from then on. ``again`` is the time from the death of the process to the
    next token, if something starts it again.
    ``tries`` are the seconds of each try of each of TASKS, of which the figures above have the fastest.
    """

    load: float
    loading: float
    loaded: float
    alone: float
    together: float
    first_token: float
    peak: float
    bandwidth: float
    again: float | None = None
    tries: Mapping[str, Sequence[float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Beside:
    """The worker's figures and another program's, measured side by side."""

    worker: Figures
    other: Figures

    def ratios(self, name: str) -> list[float]:
        """How many times as fast as the other the worker did one of TASKS, in each try."""
        both = zip(self.worker.tries[name], self.other.tries[name], strict=True)
        return [other / worker for worker, other in both]


class TooShort(Exception):
    """A generation ended before it had all its tokens, so its speed means nothing."""


class Program(Protocol):
    """A program that has been started at that ``time.monotonic()``, in the process ``pid``."""

    @property
    def pid(self) -> int: ...

    @property
    def started(self) -> float: ...

    @property
    def loading(self) -> PrivateMemory:
        """Its memory while it loads."""
        ...

    async def generate(self, prompts: Prompts, new_tokens: int) -> list[int]:
        """Continue all prompts together by so many tokens; return how many each got."""
        ...

    async def again(self) -> float | None:
        """End it by force; return the seconds to the next token, None if nothing starts it again."""
        ...


@dataclass(frozen=True, slots=True)
class Begun:
    """A program that has written its first token, and what that took: seconds and GiB."""

    program: Program
    load: float
    loading: float
    loaded: float


async def begun(program: Program) -> Begun:
    """Wait for the first token of a program that was just started, and until its memory has settled.

    It tries every shape once, because some programs prepare their kernels when they first see one.
    """
    await seconds(program.generate, 1, PROMPT_TOKENS, 1)
    load, most = time.monotonic() - program.started, program.loading.stop()
    await seconds(program.generate, 1, PROMPT_TOKENS, 8)
    loaded = await settled_memory(program.pid)
    forget_peak(program.pid)
    await seconds(program.generate, TOGETHER, PROMPT_TOKENS, 4)
    await seconds(program.generate, 1, LONG_PROMPT_TOKENS, 1)
    return Begun(program, load, most, loaded)


async def side_by_side(programs: Sequence[Begun], threads: int) -> list[Figures]:
    """Measure ``programs`` in turn; of a few tries of each, the fastest counts.

    Other work on the machine, or on its host, can only cost time.
    """
    tries: list[dict[str, list[float]]] = [{name: [] for name in TASKS} for _ in programs]
    readings = [await read_bandwidth(threads)]
    for number in range(TRIES):
        for name, task in TASKS.items():
            for place in rotated(range(len(programs)), number):
                took = await seconds(programs[place].program.generate, *task)
                tries[place][name].append(took)
    readings.append(await read_bandwidth(threads))
    return [
        Figures(
            load=each.load,
            loading=each.loading,
            loaded=each.loaded,
            alone=NEW_TOKENS / min(own["alone"]),
            together=TOGETHER * NEW_TOKENS / min(own["together"]),
            first_token=min(own["first_token"]),
            peak=memory(each.program.pid, "VmHWM"),
            bandwidth=max(readings),
            again=await each.program.again(),
            tries=own,
        )
        for each, own in zip(programs, tries, strict=True)
    ]


Each = TypeVar("Each")


def rotated(each: Sequence[Each], number: int) -> list[Each]:
    """``each`` rotated by ``number``, so that none always follows the same other."""
    turn = number % max(1, len(each))
    return [*each[turn:], *each[:turn]]


class PrivateMemory:
    """Watches the memory of the process ``pid``, without pages of files, until ``stop``. Linux only."""

    def __init__(self, pid: int) -> None:
        self._pid, self._most, self._stopped = pid, 0.0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> float:
        """The most so far, in GiB."""
        self._stopped.set()
        self._thread.join()
        return self._most

    def _watch(self) -> None:
        while True:
            self._most = max(self._most, memory(self._pid, "RssAnon"))
            if self._stopped.wait(0.01):
                return


def into_page_cache(files: Iterable[Path]) -> None:
    """Read ``files`` once, so that no start waits for the disk because another program was there before."""
    for path in files:
        with path.open("rb", buffering=0) as file:
            while file.read(2**24):
                pass


async def seconds(generate: Generate, rows: int, prompt: int, new_tokens: int) -> float:
    prompts = random_prompts(rows, prompt)
    start = time.perf_counter()
    made = await generate(prompts, new_tokens)
    duration = time.perf_counter() - start
    if made != [new_tokens] * rows:
        raise TooShort(f"got {made} tokens instead of {rows} times {new_tokens}")
    return duration


async def settled_memory(pid: int) -> float:
    """The process's memory in GiB once it no longer changes, or after ``LONGEST_SETTLING``.

    Our worker writes its first tokens with weights in the pages of a file, which it copies meanwhile.
    """
    end, before, now = time.monotonic() + LONGEST_SETTLING, math.inf, memory(pid, "VmRSS")
    while abs(now - before) > SAME_MEMORY and time.monotonic() < end:
        await asyncio.sleep(2)
        before, now = now, memory(pid, "VmRSS")
    return now


def forget_peak(pid: int) -> None:
    """Let ``VmHWM`` begin anew, where the system allows it."""
    with suppress(OSError):
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def random_prompts(rows: int, length: int) -> Prompts:
    """Prompts that never repeat, so that no program can reuse earlier work."""
    return [[random.randrange(LARGEST_ID) for _ in range(length)] for _ in range(rows)]


def memory(pid: int, name: Literal["VmRSS", "VmHWM", "RssAnon"]) -> float:
    """A process's memory in GiB: now, without pages of files (RssAnon), or at its peak. Linux only."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 2**20
    raise RuntimeError(f"the kernel does not report {name}")
