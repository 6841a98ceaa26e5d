"""The kernels that draw tokens and report on them, called."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from bot.model.kernels.builder import LANES, KernelModule, round_up
from bot.model.kernels.distribution import (
    DRAW,
    MEASURE,
    MEASURES,
    NUCLEUS,
    DrawArguments,
    MeasureArguments,
    NucleusArguments,
    write_distribution,
)
from bot.model.kernels.jit import Kernels
from bot.model.kernels.variates import VARIATES, Twister, write_variates


class Measures(NamedTuple):
    """Of each row [rows]: the largest score, ln of the sum of exp(score - largest), the entropy in bits."""

    largest: Tensor
    log_sum: Tensor
    entropy: Tensor


#: Of :func:`sampling_module`.
SAMPLING_SIGNATURES = (MEASURE, NUCLEUS, DRAW, VARIATES)


def sampling_module() -> KernelModule:
    module = KernelModule()
    write_distribution(module)
    write_variates(module)
    return module


class SamplingKernels:
    """Called by any thread. What they compute depends on no processor's kind.

    ``kernels`` are those of :func:`sampling_module`.
    """

    def __init__(self, kernels: Kernels) -> None:
        self._kernels = kernels
        self._measure, self._nucleus = kernels.kernel(MEASURE), kernels.kernel(NUCLEUS)
        self._draw, self._variates = kernels.kernel(DRAW), kernels.kernel(VARIATES)

    def measure(self, scores: Tensor) -> Measures:
        """The distribution of each row of ``scores`` [rows, V], in double precision."""
        rows = len(scores)
        padded = _padded(scores)
        found = torch.empty(rows, MEASURES, dtype=torch.float64)
        arguments = MeasureArguments(scores=padded, rows=rows, width=padded.size(-1), found=found)
        self._kernels.run(self._measure.call(arguments))
        return Measures(*found.unbind(1))

    def nucleus(self, ascending: Tensor, limit: float) -> int:
        """How many of the first of these finite scores have a total probability of at most ``limit``."""
        padded = _padded(ascending)
        out = torch.empty(1, dtype=torch.int64)
        arguments = NucleusArguments(
            scores=padded,
            count=len(ascending),
            width=len(padded),
            weights=torch.empty_like(padded),
            limit=limit,
            out=out,
        )
        self._kernels.run_alone(self._nucleus.call(arguments))
        return int(out)

    def draw(self, scores: Tensor, noise: Tensor) -> int:
        """The index with the largest exp(score) over ``noise``; both are [V], ``noise`` is padded."""
        padded = _padded(scores)
        out = torch.empty(1, dtype=torch.int64)
        arguments = DrawArguments(scores=padded, noise=noise, width=len(padded), out=out)
        self._kernels.run_alone(self._draw.call(arguments))
        return int(out)

    def variates(self, twister: Twister, count: int) -> Tensor:
        """The next ``count`` variates of ``twister``, padded to whole vectors."""
        out = torch.ones(round_up(count, LANES))
        self._kernels.run_alone(self._variates.call(twister.into(out, count)))
        return out


def _padded(scores: Tensor) -> Tensor:
    """A copy with -inf up to whole vectors."""
    *rows, width = scores.shape
    padded = torch.full((*rows, round_up(width, LANES)), -torch.inf)
    padded[..., :width] = scores
    return padded
