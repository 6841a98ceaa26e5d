"""What counting alone achieves: the baselines that the model's perplexity stands beside.

A perplexity is ``exp`` of the mean negative log-likelihood in nats per token.
"""

from __future__ import annotations

import torch
from torch import Tensor


def unigram_log_likelihoods(train: Tensor, held_out: Tensor, vocabulary_size: int) -> Tensor:
    """Log-probability of every held-out token after the first, float64 [tokens - 1].

    Add-one smoothing over the vocabulary (Laplace). The first token is left out
    because the model does not score it either.
    """
    counts = torch.bincount(train, minlength=vocabulary_size).double() + 1
    return (counts / counts.sum()).log()[held_out[1:]]


class KneserNeyTrigram:
    """Interpolated Kneser–Ney (Kneser and Ney 1995; Chen and Goodman 1999).

    Each order has one discount, n1 / (n1 + 2 n2) from its own counts of counts,
    so nothing is tuned on held-out text. Lower orders count in how many contexts
    a continuation occurs; the lowest is interpolated with the uniform distribution.
    """

    def __init__(self, train: Tensor, vocabulary_size: int) -> None:
        self._size = vocabulary_size
        trigrams = (train[:-2] * self._size + train[1:-1]) * self._size + train[2:]
        third = _Order(trigrams, self._size)
        second = _Order(third.keys % self._size**2, self._size)
        first = _Order(second.keys % self._size, self._size)
        self._orders = (first, second, third)

    def probabilities(self, tokens: Tensor, contexts: Tensor) -> Tensor:
        """P(token | two tokens before it), float64 [n]; tokens int64 [n], contexts int64 [n, 2]."""
        before = contexts[:, 0] * self._size + contexts[:, 1]
        probability = torch.full(tokens.shape, 1 / self._size, dtype=torch.float64)
        for order, context in zip(
            self._orders, (before * 0, contexts[:, 1].contiguous(), before), strict=True
        ):
            probability = order.interpolate(tokens, context, probability)
        return probability

    def log_likelihoods(self, held_out: Tensor) -> Tensor:
        """Log-probability of every held-out token after the first, float64 [tokens - 1].

        The second token has one token of context, which stands for both.
        """
        padded = torch.cat([held_out[:1], held_out])
        contexts = torch.stack([padded[:-2], padded[1:-1]], dim=1)
        return self.probabilities(held_out[1:], contexts).log()


class _Order:
    """The counts of one order; a key is context * vocabulary size + token."""

    def __init__(self, occurrences: Tensor, vocabulary_size: int) -> None:
        self._size = vocabulary_size
        self.keys, self._counts = torch.unique(occurrences, return_counts=True)
        self._contexts, places = torch.unique(self.keys // vocabulary_size, return_inverse=True)
        self._types = torch.bincount(places).double()
        self._totals = torch.bincount(places, weights=self._counts.double())
        once, twice = (int((self._counts == n).sum()) for n in (1, 2))
        self._discount = once / (once + 2 * twice) if once else 0.0

    def interpolate(self, tokens: Tensor, contexts: Tensor, lower: Tensor) -> Tensor:
        """This order's discounted estimate; the rest of each context's mass goes to ``lower``."""
        count = _look_up(self.keys, self._counts.double(), contexts * self._size + tokens)
        total = _look_up(self._contexts, self._totals, contexts)
        types = _look_up(self._contexts, self._types, contexts)
        estimate = (count - self._discount).clamp_min(0) + self._discount * types * lower
        return torch.where(total > 0, estimate / total.clamp_min(1), lower)


def _look_up(keys: Tensor, values: Tensor, wanted: Tensor) -> Tensor:
    """The values of sorted ``keys`` at ``wanted``, 0 where a key is missing."""
    places = torch.searchsorted(keys, wanted).clamp_max(len(keys) - 1)
    return torch.where(keys[places] == wanted, values[places], 0.0)
