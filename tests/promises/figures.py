"""The command line of the programs that measure promises, and how they print figures."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from statistics import median, quantiles


def parser(doc: str | None) -> argparse.ArgumentParser:
    """A parser for a program that ``doc`` describes, with its line breaks."""
    return argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)


def verdict(bar: str, *, kept: bool) -> int:
    """Print whether the promise was ``kept``, as a program's last line; return the exit status."""
    print(f"{'ok' if kept else 'MISSED'}: {bar}")
    return 0 if kept else 1


def percentile(values: Sequence[float], percent: float) -> float:
    """The percentile of at least two ``values``; ``percent`` is rounded to a tenth."""
    return quantiles(values, n=1000, method="inclusive")[round(percent * 10) - 1]


def describe(values: Sequence[float], scale: float, unit: str) -> str:
    """Median, 99th percentile and maximum, each multiplied by ``scale``."""
    figures = (("median", median(values)), ("99 %", percentile(values, 99)), ("max", max(values)))
    return ", ".join(f"{name} {value * scale:.1f} {unit}" for name, value in figures)
