"""Sampling for the peers that only compute logits, as fast as numpy can."""

from __future__ import annotations

from typing import Any

import numpy

_random = numpy.random.default_rng()


def draw(logits: Any) -> list[int]:
    """Draw one token from each row, at temperature 1 from the whole vocabulary."""
    sums = numpy.exp(logits - logits.max(axis=1, keepdims=True)).cumsum(axis=1)
    return [int(numpy.searchsorted(row, _random.random() * row[-1])) for row in sums]
