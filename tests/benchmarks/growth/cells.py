"""What is measured: some texts together, each with a prompt, until each has its new tokens."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from tests.benchmarks.gaps import percentile
from tests.benchmarks.workload import Prompts, TooShort, forget_peak, memory, random_prompts

#: Prompts and a number of new tokens → when each text's tokens came, in seconds of ``perf_counter``.
Clocked = Callable[[Prompts, int], Awaitable[list[list[float]]]]

WARM_UP = 16  # tokens of the prompts before a cell is measured: enough to prepare its kernels


@dataclass(frozen=True, order=True)
class Cell:
    """``texts`` together, each with a prompt of ``prompt`` tokens and ``tokens`` new ones."""

    texts: int
    prompt: int
    tokens: int

    @classmethod
    def parsed(cls, text: str) -> Cell:
        """The cell that ``str`` wrote."""
        return cls(*map(int, text.split("x")))

    def __str__(self) -> str:
        return f"{self.texts}x{self.prompt}x{self.tokens}"


@dataclass(frozen=True)
class Point:
    """A cell's figures: tokens/s of all texts together, seconds, and GiB.

    ``speed`` counts from when every text has begun until one ends or, where one ends before the last has
    begun, from the beginning to the end. ``first`` is the median over the texts of the time to their first
    token. ``gap`` is the median time from a text's token to its next, ``gap_99`` what 99 % do not exceed;
    gaps in which another text's prompt is read count too. ``memory`` is the process's peak.
    """

    speed: float
    first: float
    gap: float
    gap_99: float
    memory: float


def cells(texts: Sequence[int], prompts: Sequence[int], tokens: int) -> list[Cell]:
    """All numbers of texts with the shortest prompt, and all prompts with one text and with eight."""
    shortest = min(prompts)
    found = {Cell(count, shortest, tokens) for count in texts}
    few = {count for count in texts if count in (1, 8)} or {min(texts)}
    found |= {Cell(count, prompt, tokens) for count in few for prompt in prompts}
    return sorted(found)


async def measure(clocked: Clocked, wanted: Sequence[Cell], *, pid: int) -> list[Point]:
    """Measure ``clocked``, which runs in the process ``pid``."""
    return [await _point(clocked, cell, pid) for cell in wanted]


async def _point(clocked: Clocked, cell: Cell, pid: int) -> Point:
    await clocked(random_prompts(cell.texts, min(cell.prompt, WARM_UP)), 2)
    forget_peak(pid)
    begin = time.perf_counter()
    came = await clocked(random_prompts(cell.texts, cell.prompt), cell.tokens)
    if [len(times) for times in came] != [cell.tokens] * cell.texts:
        raise TooShort(f"{cell}: got {[len(times) for times in came]} tokens")
    return point(begin, came, memory(pid, "VmHWM"))


def point(begin: float, came: Sequence[Sequence[float]], peak: float) -> Point:
    """The figures of texts whose tokens ``came`` at these times, at least three each."""
    gaps = list(_gaps(came))
    # Only while all texts are being written: after the last has begun, before the first ends.
    start, end = max(times[0] for times in came), min(times[-1] for times in came)
    written = sum(start < moment <= end for times in came for moment in times)
    whole = sum(map(len, came)) / (max(times[-1] for times in came) - begin)
    return Point(
        speed=written / (end - start) if end > start and written >= len(came) else whole,
        first=median(times[0] - begin for times in came),
        gap=median(gaps),
        gap_99=percentile(gaps, 99),
        memory=peak,
    )


def _gaps(came: Sequence[Sequence[float]]) -> Iterator[float]:
    for times in came:
        yield from (later - earlier for earlier, later in pairwise(times))
