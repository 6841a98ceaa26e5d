"""A clock that a test sets."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(eq=False, slots=True)
class Clock:
    """Called, it is ``now``, in seconds."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now
