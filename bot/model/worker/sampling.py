"""Logits → next token.

Every function takes one row of logits or scores, a float32 tensor of shape [V]
where V is the vocabulary's size, and leaves it unchanged. The filters, their
order and the draw are those of transformers' ``generate`` on the CPU, so that
``set_seed(seed); model.generate(do_sample=True, …)`` chooses the same tokens.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bot.model.protocol import MAX_SEED, SamplingParams

NOT_FINITE = "the model's logits are not finite"


class Sampler:
    """Chooses one request's tokens, step after step, from its own generator.

    ``spent`` is how many draws of its seed were made before its first step.
    """

    def __init__(self, params: SamplingParams, *, spent: int, vocabulary: int) -> None:
        self.params = params
        self._vocabulary = vocabulary
        self._generator = torch.Generator().manual_seed(params.seed)
        self.draws_to_skip = spent if params.temperature > 0 else 0

    def skip(self, at_most: int) -> None:
        """Spend up to ``at_most`` of ``draws_to_skip``; all are due before the first step.

        A thousand take about half a second, hence the portions.
        """
        count = min(at_most, self.draws_to_skip)
        skip_draws(self._generator, count, vocabulary=self._vocabulary)
        self.draws_to_skip -= count

    def noise(self) -> Tensor | None:
        """The variates [V] of the next draw, which spends it; None where nothing is drawn.

        They take longer than all else here, and depend on nothing but the seed:
        those of several samplers can be made at once.
        """
        if self.params.temperature == 0:
            return None
        return exponential_variates(self._generator, self._vocabulary)

    def choose(self, logits: Tensor, noise: Tensor | None) -> int:
        """The next token's id after ``logits`` [V]; ValueError if any is not finite."""
        # NaN and infinities survive as the smallest or the largest.
        smallest, largest = logits.aminmax()
        if not (math.isfinite(smallest) and math.isfinite(largest)):
            raise ValueError(NOT_FINITE)
        if noise is None:
            return int(logits.argmax())
        return draw(filtered(logits, self.params), noise)


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
    if params.candidates < 0:
        return "candidates is negative"
    return None


def filtered(logits: Tensor, params: SamplingParams) -> Tensor:
    """Scores [V]: temperature, then top-k, then top-p; what is filtered out is -inf.

    The order is that of transformers' ``GenerationMixin._get_logits_processor``.
    """
    scores = logits / params.temperature
    if params.top_k > 0:
        scores = keep_top_k(scores, params.top_k)
    if params.top_p < 1:
        scores = keep_top_p(scores, params.top_p)
    return scores


def keep_top_k(scores: Tensor, k: int) -> Tensor:
    """Scores below the ``k``-th largest become -inf (TopKLogitsWarper); ties all stay."""
    smallest_kept = torch.topk(scores, min(k, scores.size(-1))).values[-1]
    return scores.masked_fill(scores < smallest_kept, -math.inf)


def keep_top_p(scores: Tensor, p: float) -> Tensor:
    """The unlikeliest tokens of total probability ≤ 1 - ``p`` become -inf (TopPLogitsWarper).

    The most likely token always stays.
    """
    ascending, order = torch.sort(scores, descending=False)
    remove_sorted = ascending.softmax(dim=-1).cumsum(dim=-1) <= (1 - p)
    remove_sorted[-1] = False
    remove = remove_sorted.scatter(0, order, remove_sorted)
    return scores.masked_fill(remove, -math.inf)


def draw(scores: Tensor, noise: Tensor) -> int:
    """One token id with the probabilities softmax(``scores``), by exponential ``noise`` [V].

    The largest of probability / noise is a sample; this is what
    ``torch.multinomial`` does for one (``multinomial_out`` in
    ATen/native/Distributions.cpp).
    """
    return int((scores.softmax(dim=-1) / noise).argmax())


def exponential_variates(generator: torch.Generator, count: int) -> Tensor:
    """``count`` variates of rate 1, as a draw from ``count`` tokens takes them.

    They are those of ``Tensor.exponential_`` (``transformation::exponential`` in
    ATen/core/TransformationHelper.h), whose logarithms are taken all at once: in a
    third of the time.
    """
    uniform = torch.empty(count, dtype=torch.float64).uniform_(generator=generator)
    return uniform.neg_().log1p_().neg_().float()


def skip_draws(generator: torch.Generator, count: int, *, vocabulary: int) -> None:
    """Advance ``generator`` as ``count`` draws over [``vocabulary``] would."""
    spent = torch.empty(vocabulary, dtype=torch.float64)
    for _ in range(count):
        spent.uniform_(generator=generator)
