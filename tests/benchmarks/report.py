"""The figures of all rounds as a table, and the bars that the worker must meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from tests.benchmarks.workload import LONG_PROMPT_TOKENS, OURS, TOGETHER, Figures, Precision

WEIGHT_BYTES: dict[Precision, int] = {"float32": 4, "bfloat16": 2, "int8": 1}
# The least speed of the worker, as a multiple of a peer's.
RATIOS: dict[Precision, tuple[tuple[str, str, float], ...]] = {
    "float32": (
        ("alone", "generate", 2.2),
        ("alone", "llama_cpp", 1.0),
        ("together", "generate", 3.8),
        ("together", "llama_cpp", 1.15),
        ("together", "openvino_", 1.0),
    ),
    "bfloat16": (("alone", "llama_cpp", 1.0), ("together", "openvino_", 1.0)),
    "int8": (("alone", "llama_cpp", 1.0), ("together", "llama_cpp", 2.0)),
}
# GiB that GPT-2 Large may use once it is loaded.
MEMORY: dict[Precision, float] = {"float32": 3.6, "bfloat16": 2.1, "int8": 1.3}
COLUMNS = {
    "alone": "one request, tokens/s",
    "together": f"{TOGETHER} requests, tokens/s",
    "first_token": f"first token of {LONG_PROMPT_TOKENS}, s",
    "load": "load, s",
    "loaded": "loaded, GiB",
    "peak": "peak, GiB",
    "bandwidth": "memory read, GB/s",
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
    """One precision's figures: each program's, one a round, with a model that has ``weights`` weights."""

    precision: Precision
    results: Mapping[str, Sequence[Figures]]
    weights: int
    large: bool

    @property
    def met(self) -> bool:
        return all(bar.met for bar in self.bars())

    def __str__(self) -> str:
        rows = [["program", *COLUMNS.values(), SHARE]]
        for program in self.results:
            columns = [self.values(program, name) for name in COLUMNS]
            rows.append([program, *map(spread, [*columns, self.shares(program)])])
        bars = "".join(f"\n{bar}" for bar in self.bars())
        return f"{self.precision}: median (min to max) of the rounds\n\n{table(rows)}\n{bars}"

    def plain(self) -> dict[str, Any]:
        """The report as data for JSON."""
        programs = {
            program: {
                "rounds": [asdict(figures) for figures in rounds],
                "medians": {name: self.median(program, name) for name in COLUMNS},
                "share": median(self.shares(program)),
            }
            for program, rounds in self.results.items()
        }
        bars = [{**asdict(bar), "met": bar.met} for bar in self.bars()]
        return {"precision": self.precision, "weights": self.weights, "programs": programs, "bars": bars}

    def bars(self) -> list[Bar]:
        """The bars for which there are figures; memory's only with GPT-2 Large's shape."""
        if OURS not in self.results:
            return []
        found = [
            Bar(
                f"{COLUMNS[name]}, worker : {peer}", self.median(OURS, name) / self.median(peer, name), factor
            )
            for name, peer, factor in RATIOS[self.precision]
            if peer in self.results
        ]
        if peers := [peer for peer in self.results if peer != OURS]:
            best = min(peers, key=lambda peer: self.median(peer, "first_token"))
            ratio = self.ratio("first_token", best)
            found.append(Bar(f"{COLUMNS['first_token']}, worker : {best}", ratio, 1.0, at_most=True))
        if self.large:
            loaded = self.median(OURS, "loaded")
            found.append(Bar(COLUMNS["loaded"], loaded, MEMORY[self.precision], at_most=True))
        return found

    def ratio(self, name: str, peer: str) -> float:
        return self.median(OURS, name) / self.median(peer, name)

    def median(self, program: str, name: str) -> float:
        return median(self.values(program, name))

    def values(self, program: str, name: str) -> list[float]:
        return [getattr(figures, name) for figures in self.results[program]]

    def shares(self, program: str) -> list[float]:
        """One request's speed in each round, as a percentage of what reading all weights a token allows."""
        gigabytes = self.weights * WEIGHT_BYTES[self.precision] / 1e9
        return [100 * figures.alone * gigabytes / figures.bandwidth for figures in self.results[program]]


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
