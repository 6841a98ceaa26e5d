"""How a promise's figures are asked for and told."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from statistics import median, quantiles


def parser(doc: str | None) -> argparse.ArgumentParser:
    """For a program that ``doc`` describes, as it stands there."""
    return argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)


def verdict(bar: str, *, kept: bool) -> int:
    """Print whether what is promised was ``kept``, as every program's last line; the exit status."""
    print(f"{'ok' if kept else 'MISSED'}: {bar}")
    return 0 if kept else 1


def percentile(values: Sequence[float], percent: float) -> float:
    """``percent`` to a tenth, of at least two values."""
    return quantiles(values, n=1000, method="inclusive")[round(percent * 10) - 1]


def told(values: Sequence[float], scale: float, unit: str) -> str:
    """Median, 99 % and the greatest."""
    figures = (("median", median(values)), ("99 %", percentile(values, 99)), ("most", max(values)))
    return ", ".join(f"{name} {value * scale:.1f} {unit}" for name, value in figures)
