"""Numbers and quotations in the sentences of errors."""

from __future__ import annotations

import math


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def quoted(given: str) -> str:
    return repr(given if len(given) <= 40 else given[:39] + "…")


def seconds(seconds: float) -> str:
    if seconds < 90:
        return count(max(1, round(seconds)), "second")
    return count(round(seconds / 60), "minute")


def at_most(waiting: float) -> str:
    """Rounded up, for whoever is told to come back then must not come too early."""
    return seconds(math.ceil(waiting) if waiting < 89 else 60 * math.ceil(waiting / 60))
