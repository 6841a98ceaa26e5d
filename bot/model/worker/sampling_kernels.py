"""The kernels that draw tokens and report on them, called."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from bot.model.kernels.builder import LANES, KernelModule, round_up
from bot.model.kernels.distribution import (
    BLOCK,
    DRAW,
    MEASURE,
    MEASURES,
    NUCLEUS,
    SURVEY,
    DrawArguments,
    MeasureArguments,
    NucleusArguments,
    SurveyArguments,
    write_distribution,
)
from bot.model.kernels.jit import Kernels
from bot.model.kernels.variates import VARIATES, Twister, write_variates


class Measures(NamedTuple):
    """Of each row [rows]: the largest score, ln of the sum of exp(score - largest), the entropy in bits.

    ``above`` is how many logits are larger than the chosen token's.
    """

    largest: Tensor
    log_sum: Tensor
    entropy: Tensor
    above: Tensor


def block_ids(numbers: Tensor) -> Tensor:
    """The ids of which a block's maximum, of number i, is the largest: [..., BLOCK], some beyond the last."""
    within = torch.arange(BLOCK) * LANES
    first = numbers // LANES * (BLOCK * LANES) + numbers % LANES
    return first[..., None] + within


#: Of :func:`sampling_module`.
SAMPLING_SIGNATURES = (SURVEY, MEASURE, NUCLEUS, DRAW, VARIATES)


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
        self._survey = kernels.kernel(SURVEY)
        self._measure, self._nucleus = kernels.kernel(MEASURE), kernels.kernel(NUCLEUS)
        self._draw, self._variates = kernels.kernel(DRAW), kernels.kernel(VARIATES)

    def block_maxima(self, logits: Tensor) -> Tensor:
        """Of each row of ``logits`` [rows, V], the largest of each lane of ``BLOCK`` vectors: [rows, n].

        Number i is the largest of the ids ``block_ids(i)``; -inf where there are none.
        """
        rows, count = logits.shape
        blocks = -(-count // (BLOCK * LANES))
        largest = torch.empty(rows, blocks * LANES)
        arguments = SurveyArguments(
            logits=logits, rows=rows, stride=logits.stride(0), count=count, blocks=blocks, largest=largest
        )
        self._kernels.run(self._survey.call(arguments))
        return largest

    def largest(self, logits: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """The ``count`` largest of each row of ``logits`` [rows, V], and ids of theirs: [rows, count] both.

        They are in the ``count`` blocks with the largest maxima: of a logit elsewhere, each of these has
        one that is as large. So the whole row is read once, and only these blocks are sorted.
        """
        maxima = self.block_maxima(logits)
        blocks = torch.topk(maxima, min(count, maxima.size(-1))).indices
        ids = block_ids(blocks).flatten(1)
        inside = ids < logits.size(-1)
        ids = ids.where(inside, 0)
        values, order = torch.topk(logits.gather(-1, ids).masked_fill(~inside, -math.inf), count)
        return values, ids.gather(-1, order)

    def measure(self, logits: Tensor, temperatures: Tensor, chosen: Tensor) -> Measures:
        """The distribution of each row of ``logits`` [rows, V] at its temperature, in double precision."""
        rows, count = logits.shape
        width = round_up(count, LANES)
        found = torch.empty(rows, MEASURES, dtype=torch.float64)
        arguments = MeasureArguments(
            logits=logits,
            rows=rows,
            stride=logits.stride(0),
            count=count,
            width=width,
            temperatures=temperatures,
            chosen=chosen,
            scores=torch.empty(torch.get_num_threads(), width),
            found=found,
        )
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

    def draw(self, logits: Tensor, noise: Tensor, temperature: float = 1.0, least: float = -math.inf) -> int:
        """The index with the largest exp(score) over ``noise`` of the scores from ``least`` on.

        A score is one of ``logits`` [V] over the temperature; ``noise`` is [V], padded.
        """
        width = round_up(len(logits), LANES)
        out = torch.empty(1, dtype=torch.int64)
        arguments = DrawArguments(
            logits=logits,
            count=len(logits),
            width=width,
            temperature=temperature,
            least=least,
            noise=noise,
            scores=torch.empty(width),
            out=out,
        )
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
