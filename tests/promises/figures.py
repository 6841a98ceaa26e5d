"""How a promise's figures are told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles


@dataclass(frozen=True, slots=True)
class Figure:
    """``bar`` says what is promised, ``kept`` whether it held."""

    bar: str
    kept: bool

    def printed(self) -> int:
        """Print the verdict; the exit status that tells it."""
        print(f"{'ok' if self.kept else 'MISSED'}: {self.bar}")
        return 0 if self.kept else 1


def percentile(values: Sequence[float], percent: float) -> float:
    """``percent`` to a tenth, of at least two values."""
    return quantiles(values, n=1000, method="inclusive")[round(percent * 10) - 1]


def told(values: Sequence[float], scale: float, unit: str) -> str:
    """Median, 99 % and the greatest."""
    figures = (("median", median(values)), ("99 %", percentile(values, 99)), ("most", max(values)))
    return ", ".join(f"{name} {value * scale:.1f} {unit}" for name, value in figures)
