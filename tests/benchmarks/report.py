"""The figures of all rounds as a table, and the bars that the worker must meet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from tests.benchmarks.workload import LONG_PROMPT_TOKENS, OURS, TOGETHER, Figures, Precision

WEIGHT_BYTES: dict[Precision, int] = {"float32": 4, "bfloat16": 2, "int8": 1}
# Whichever peer is the fastest.
BEST = "the best peer"
# The least speed of the worker, as a multiple of a peer's.
RATIOS: dict[Precision, tuple[tuple[str, str, float], ...]] = {
    "float32": (
        ("alone", "generate", 2.2),
        ("alone", BEST, 1.0),
        ("together", "generate", 3.8),
        ("together", "llama_cpp", 1.15),
        ("together", BEST, 1.0),
    ),
    "bfloat16": (("alone", BEST, 1.0), ("together", BEST, 1.0)),
    "int8": (("alone", BEST, 1.0), ("together", BEST, 1.0), ("together", "llama_cpp", 2.0)),
}
# The same where every program is kept to the instructions of a lesser processor, in each precision.
LIMITED_RATIOS = (("alone", BEST, 1.0), ("together", BEST, 1.0))
# The least speed of one request in int8 there, as a multiple of float32's.
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
    """One precision's figures: each program's, one a round, with a model that has ``weights`` weights.

    They are ``limited`` if every program is kept to the instructions of a lesser processor. ``float32`` are
    then the worker's own figures in float32, if there are any. ``generate`` are that program's, whose load
    measures the worker's: in the same precision, or else in float32.
    """

    precision: Precision
    results: Mapping[str, Sequence[Figures]]
    weights: int
    large: bool
    limited: bool = False
    float32: Sequence[Figures] = ()
    generate: Sequence[Figures] = ()

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
        found = [self._speed(name, peer, factor) for name, peer, factor in self._ratios()]
        if best := self._best("first_token"):
            ratio = self.ratio("first_token", best)
            found.append(Bar(f"{COLUMNS['first_token']}, worker : {best}", ratio, 1.0, at_most=True))
        if self.limited and self.precision == "int8" and self.float32:
            ratio = self.median(OURS, "alone") / median(figures.alone for figures in self.float32)
            found.append(Bar(f"{COLUMNS['alone']}, int8 : float32", ratio, SHORTER))
        if self.large:
            loaded = self.median(OURS, "loaded")
            found.append(Bar(COLUMNS["loaded"], loaded, MEMORY[self.precision], at_most=True))
            found += self._loading()
        return found

    def _loading(self) -> Iterator[Bar]:
        weights = self.weights * WEIGHT_BYTES[self.precision] / 2**30
        most = self.median(OURS, "loading")
        yield Bar(COLUMNS["loading"], most, weights + SPARE, at_most=True)
        if not self.generate:
            return
        usual = median(figures.load for figures in self.generate)
        load = self.median(OURS, "load") / usual
        yield Bar("start to first token, worker : generate", load, LOAD, at_most=True)
        if again := [figures.again for figures in self.results[OURS] if figures.again is not None]:
            ratio = median(again) / usual
            yield Bar("death to next token, worker : start of generate", ratio, AGAIN, at_most=True)

    def _ratios(self) -> Iterator[tuple[str, str, float]]:
        """A figure, the peer that it is compared with, and the least multiple of the peer's."""
        for name, named, factor in LIMITED_RATIOS if self.limited else RATIOS[self.precision]:
            peer = self._best(name) if named == BEST else named
            if peer and peer in self.results:
                yield name, peer, factor

    def _best(self, name: str) -> str | None:
        """The fastest peer, by ``name``'s figures."""
        peers = {peer: self.median(peer, name) for peer in self.results if peer != OURS}
        return (min if name == "first_token" else max)(peers, key=lambda peer: peers[peer], default=None)

    def _speed(self, name: str, peer: str, factor: float) -> Bar:
        return Bar(f"{COLUMNS[name]}, worker : {peer}", self.ratio(name, peer), factor)

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
