"""Ids as Discord makes them: the time in milliseconds, then a counter."""

from __future__ import annotations

import itertools
import time

EPOCH = 1_420_070_400_000  # ms, the beginning of Discord's time
_COUNTED = 1 << 22


class Snowflakes:
    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def new(self, *, age: float = 0.0) -> int:
        """An id of now, or of ``age`` seconds ago."""
        milliseconds = int((time.time() - age) * 1000) - EPOCH
        return (milliseconds << 22) | (next(self._numbers) % _COUNTED)
