"""The figures of all rounds as a table, and the bars that the worker must meet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from tests.benchmarks.workload import (
    LONG_PROMPT_TOKENS,
    OURS,
    OURS_IN_FLOAT32,
    TOGETHER,
    Beside,
    Figures,
    Precision,
)

WEIGHT_BYTES: dict[Precision, int] = {"float32": 4, "bfloat16": 2, "int8": 1}
# The least speed of the worker, as a multiple of every peer's …
EVERY_PEER = 1.0
# … and of some peers', with all instructions.
RATIOS: dict[tuple[Precision, str, str], float] = {
    ("float32", "alone", "generate"): 2.2,
    ("float32", "together", "generate"): 3.8,
    ("float32", "together", "llama_cpp"): 1.15,
    ("int8", "together", "llama_cpp"): 2.0,
}
# The least speed of one request in int8 with those of a lesser processor, as a multiple of float32's.
SHORTER = 2.2
# GiB that GPT-2 Large may use once it is loaded.
MEMORY: dict[Precision, float] = {"float32": 3.6, "bfloat16": 2.1, "int8": 1.3}
# GiB beyond the weights that the worker may take while it loads.
SPARE = 0.5
# The most that the worker may take to its first token, as a multiple of generate's time: from its start, and
# after it was killed.
LOAD, AGAIN = 1.0, 0.7
COLUMNS = {
    "alone": "one request, tokens/s",
    "together": f"{TOGETHER} requests, tokens/s",
    "first_token": f"first token of {LONG_PROMPT_TOKENS}, s",
    "load": "start to first token, s",
    "loading": "memory meanwhile, GiB",
    "loaded": "loaded, GiB",
    "peak": "peak from then on, GiB",
    "bandwidth": "memory read, GB/s",
}
#: The tasks at which programs are compared.
RATED = {
    "alone": "one request",
    "together": f"{TOGETHER} requests",
    "first_token": f"first token of {LONG_PROMPT_TOKENS}",
}
SHARE = "one request, % of what reading allows"


@dataclass(frozen=True)
class Bar:
    """``value`` must be at least ``limit``, or at most that with ``at_most``."""

    text: str
    value: float
    limit: float
    at_most: bool = False

    @property
    def met(self) -> bool:
        return self.value <= self.limit if self.at_most else self.value >= self.limit

    def __str__(self) -> str:
        sign = "at most" if self.at_most else "at least"
        return f"{'ok    ' if self.met else 'MISSED'} {self.text}: {self.value:.2f}, {sign} {self.limit:.2f}"


@dataclass(frozen=True)
class Report:
    """One precision's figures: the worker's beside each other program's, with a model that has ``weights``.

    They are ``limited`` if every program is kept to the instructions of a lesser processor. ``usual`` are the
    seconds that generate takes to start, in the same precision or else in float32.
    """

    precision: Precision
    results: Mapping[str, Sequence[Beside]]
    weights: int
    large: bool
    limited: bool = False
    usual: Sequence[float] = ()

    @property
    def met(self) -> bool:
        return all(bar.met for bar in self.bars())

    def __str__(self) -> str:
        rows = [["program", *COLUMNS.values(), SHARE]]
        for program in self._programs:
            columns = [self.values(program, name) for name in COLUMNS]
            rows.append([program, *map(spread, [*columns, self.shares(program)])])
        ratios = [
            [f"{OURS}, times as fast as", *RATED.values()],
            *([peer, *(spread(self.ratios(name, peer)) for name in RATED)] for peer in self._programs[1:]),
        ]
        bars = "\n".join(map(str, self.bars()))
        heading = f"{self.precision}: median (min to max) of the rounds"
        return "\n\n".join([heading, table(rows), table(ratios), bars])

    def plain(self) -> dict[str, Any]:
        """The report as data for JSON."""
        pairs = {peer: [asdict(pair) for pair in rounds] for peer, rounds in self.results.items()}
        ratios = {
            peer: {name: median(self.ratios(name, peer)) for name in RATED}
            for peer, rounds in self.results.items()
            if rounds
        }
        bars = [{**asdict(bar), "met": bar.met} for bar in self.bars()]
        return {
            "precision": self.precision,
            "weights": self.weights,
            "pairs": pairs,
            "ratios": ratios,
            "bars": bars,
        }

    def bars(self) -> list[Bar]:
        """The bars for which there are figures; memory's only with GPT-2 Large's shape."""
        found = [
            Bar(f"{RATED[name]}, times as fast as {peer}", median(self.ratios(name, peer)), factor)
            for name, peer, factor in self._limits()
        ]
        if self.large and self._programs:
            loaded = self.median(OURS, "loaded")
            found.append(Bar(COLUMNS["loaded"], loaded, MEMORY[self.precision], at_most=True))
            found += self._loading()
        return found

    def _limits(self) -> Iterator[tuple[str, str, float]]:
        """A figure, the program that it is compared with, and the least multiple of that one's."""
        for peer in self._peers:
            for name in RATED:
                yield name, peer, self._least(name, peer)
        if self.limited and self.precision == "int8" and OURS_IN_FLOAT32 in self._programs:
            yield "alone", OURS_IN_FLOAT32, SHORTER

    def _least(self, name: str, peer: str) -> float:
        return EVERY_PEER if self.limited else RATIOS.get((self.precision, name, peer), EVERY_PEER)

    def _loading(self) -> Iterator[Bar]:
        weights = self.weights * WEIGHT_BYTES[self.precision] / 2**30
        most = self.median(OURS, "loading")
        yield Bar(COLUMNS["loading"], most, weights + SPARE, at_most=True)
        if not self.usual:
            return
        usual = median(self.usual)
        load = self.median(OURS, "load") / usual
        yield Bar(f"start to first token, {OURS} : generate", load, LOAD, at_most=True)
        if again := [each.again for each in self._figures(OURS) if each.again is not None]:
            ratio = median(again) / usual
            yield Bar(f"death to next token, {OURS} : start of generate", ratio, AGAIN, at_most=True)

    @property
    def _programs(self) -> list[str]:
        """The worker first; none if nothing was measured."""
        measured = [peer for peer, rounds in self.results.items() if rounds]
        return [OURS, *measured] if measured else []

    @property
    def _peers(self) -> list[str]:
        return [peer for peer in self._programs if peer not in (OURS, OURS_IN_FLOAT32)]

    def ratios(self, name: str, peer: str) -> list[float]:
        """How many times as fast as the peer the worker did a task, in each try."""
        return [ratio for pair in self.results[peer] for ratio in pair.ratios(name)]

    def median(self, program: str, name: str) -> float:
        return median(self.values(program, name))

    def values(self, program: str, name: str) -> list[float]:
        return [getattr(figures, name) for figures in self._figures(program)]

    def shares(self, program: str) -> list[float]:
        """One request's speed each time, as a percentage of what reading all weights a token allows."""
        precision: Precision = "float32" if program == OURS_IN_FLOAT32 else self.precision
        gigabytes = self.weights * WEIGHT_BYTES[precision] / 1e9
        return [100 * each.alone * gigabytes / each.bandwidth for each in self._figures(program)]

    def _figures(self, program: str) -> list[Figures]:
        if program == OURS:
            return [pair.worker for rounds in self.results.values() for pair in rounds]
        return [pair.other for pair in self.results[program]]


def table(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose head is the first row."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def spread(numbers: Sequence[float]) -> str:
    return f"{short(median(numbers))} ({short(min(numbers))} to {short(max(numbers))})"


def short(number: float) -> str:
    """``number`` with about three digits: 0.42, 5.13, 61.2, 480."""
    return f"{number:.0f}" if number >= 100 else f"{number:.1f}" if number >= 10 else f"{number:.2f}"
