"""Logits → next token.

Every function takes one row of logits or scores, a float32 tensor of shape [V]
where V is the vocabulary's size, and leaves it unchanged. The filters, their
order and the draw are those of transformers' ``generate`` on the CPU, so that
``set_seed(seed); model.generate(do_sample=True, …)`` chooses the same tokens. But
every rounded operation is one of ``kernels``', or one that all processors round alike:
a row's token depends on neither the processor, nor torch's version, nor the threads.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from bot.model.kernels.variates import Twister
from bot.model.protocol import MAX_SEED, MOST_CANDIDATES, SamplingParams
from bot.model.worker.sampling_kernels import SamplingKernels

NOT_FINITE = "the model's logits are not finite"


class Sampler:
    """Chooses one request's tokens, step after step, from its own generator.

    ``spent`` is how many draws of its seed were made before its first step.
    """

    def __init__(
        self, params: SamplingParams, *, spent: int, vocabulary: int, kernels: SamplingKernels
    ) -> None:
        self.params = params
        self._vocabulary = vocabulary
        self._kernels = kernels
        self._twister = Twister(params.seed)
        self.draws_to_skip = spent if params.temperature > 0 else 0

    def skip(self, at_most: int) -> None:
        """Spend up to ``at_most`` of ``draws_to_skip``; all are due before the first step.

        A thousand take a tenth of a second or more, hence the portions.
        """
        count = min(at_most, self.draws_to_skip)
        for _ in range(count):
            self._kernels.variates(self._twister, self._vocabulary)
        self.draws_to_skip -= count

    def noise(self) -> Tensor | None:
        """The variates of the next draw, which spends it; None where nothing is drawn.

        They depend on nothing but the seed: those of several samplers can be made at once.
        """
        if self.params.temperature == 0:
            return None
        return self._kernels.variates(self._twister, self._vocabulary)

    def choose(self, logits: Tensor, noise: Tensor | None, least: float | None = None) -> int:
        """The next token's id after ``logits`` [V]; ValueError if any is not finite.

        ``least`` is this row's of ``least_scores``, if they are known.
        """
        # NaN and infinities survive as the smallest or the largest.
        smallest, largest = logits.aminmax()
        if not (math.isfinite(smallest) and math.isfinite(largest)):
            raise ValueError(NOT_FINITE)
        if noise is None:
            return int(logits.argmax())
        params = self.params
        if params.top_p < 1:
            return self._kernels.draw(filtered(logits, params, self._kernels), noise)
        if least is None:
            (least,) = least_scores(logits[None], [params], self._kernels)
        return self._kernels.draw(logits, noise, params.temperature, least)


def problem(params: SamplingParams) -> str | None:
    """What makes ``params`` unusable, in words for the log, or None."""
    if params.max_new_tokens < 1:
        return "max_new_tokens is less than 1"
    if not (math.isfinite(params.temperature) and params.temperature >= 0):
        return "the temperature is neither 0 nor a positive number"
    if params.top_k < 0:
        return "top_k is negative"
    if not 0 < params.top_p <= 1:
        return "top_p is not above 0 and at most 1"
    if not 0 <= params.seed <= MAX_SEED:
        return f"the seed is not from 0 to {MAX_SEED}"
    if not 0 <= params.candidates <= MOST_CANDIDATES:
        return f"candidates is not from 0 to {MOST_CANDIDATES}"
    return None


def scores(logits: Tensor, temperatures: float | Tensor) -> Tensor:
    """``logits`` over the temperature, none of them infinite because of a tiny one."""
    return (logits / temperatures).clamp_(max=torch.finfo(torch.float32).max)


def least_scores(logits: Tensor, params: Sequence[SamplingParams], kernels: SamplingKernels) -> list[float]:
    """The least score that top-k keeps of each row of ``logits`` [rows, V]; -inf without top-k.

    With top-p, it is not needed: ``filtered`` finds both.
    """
    drawn = [one.temperature > 0 and one.top_p == 1 for one in params]
    counts = [min(one.top_k, logits.size(-1)) * own for one, own in zip(params, drawn, strict=True)]
    if not any(counts):
        return [-math.inf] * len(params)
    values, _ = kernels.largest(logits, max(counts))
    smallest = values.gather(1, torch.tensor(counts)[:, None].sub(1).clamp_(min=0))
    # Scores are in the order of logits.
    temperatures = torch.tensor(
        [one.temperature if own else 1.0 for one, own in zip(params, drawn, strict=True)]
    )
    found = scores(smallest[:, 0], temperatures).tolist()
    return [score if count else -math.inf for score, count in zip(found, counts, strict=True)]


def filtered(logits: Tensor, params: SamplingParams, kernels: SamplingKernels) -> Tensor:
    """Scores [V]: temperature, then top-k, then top-p; what is filtered out is -inf.

    The order is that of transformers' ``GenerationMixin._get_logits_processor``.
    """
    kept = scores(logits, params.temperature)
    if params.top_k > 0:
        kept = keep_top_k(kept, params.top_k)
    if params.top_p < 1:
        kept = keep_top_p(kept, params.top_p, kernels)
    return kept


def keep_top_k(scores: Tensor, k: int) -> Tensor:
    """Scores below the ``k``-th largest become -inf (TopKLogitsWarper); ties all stay."""
    smallest_kept = torch.topk(scores, min(k, scores.size(-1))).values[-1]
    return scores.masked_fill(scores < smallest_kept, -math.inf)


def keep_top_p(scores: Tensor, p: float, kernels: SamplingKernels) -> Tensor:
    """The unlikeliest tokens of total probability ≤ 1 - ``p`` become -inf (TopPLogitsWarper).

    The most likely token always stays. Of equally likely ones, the lower ids stay; there, the choice of
    transformers differs between processors.
    """
    left = (scores > -math.inf).nonzero()[:, 0].flip(0)
    ascending, order = torch.sort(scores[left], stable=True)
    count = min(kernels.nucleus(ascending, 1 - p), len(left) - 1)
    return scores.index_fill(0, left[order[:count]], -math.inf)
