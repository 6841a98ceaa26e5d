"""Shards, the connections over which Discord spreads a bot's servers, and which of them this process has."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

_SHARDS = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?/(\d{1,5})", re.ASCII)
MOST = 16_384  # of one bot: far beyond what the largest has


@dataclass(frozen=True, slots=True)
class Shards:
    """The shards from ``first`` to ``last``, counted from 0, of ``count`` in all."""

    first: int
    last: int
    count: int

    @property
    def ids(self) -> list[int]:
        return list(range(self.first, self.last + 1))

    @property
    def is_part(self) -> bool:
        """Whether other processes must have the rest."""
        return len(self.ids) < self.count


@dataclass(frozen=True, slots=True)
class ShardState:
    """``connected``: Discord is sending events. ``latency`` is a heartbeat's, in seconds; nan if unknown."""

    connected: bool = False
    latency: float = math.nan


def parsed(text: str) -> Shards | None:
    """Read ``0-3/16`` or ``5/16``; None for anything else, and for shards that cannot be."""
    found = _SHARDS.fullmatch(text)
    if found is None:
        return None
    first, count = int(found[1]), int(found[3])
    last = first if found[2] is None else int(found[2])
    return Shards(first, last, count) if first <= last < count <= MOST else None


def listed(ids: Iterable[int]) -> str:
    """Write shards shortly, as in ``0-3, 7``."""
    # Neighbours have the same distance from their place in the list.
    runs = (list(run) for _, run in groupby(enumerate(sorted(ids)), lambda pair: pair[1] - pair[0]))
    ends = ((run[0][1], run[-1][1]) for run in runs)
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in ends)
