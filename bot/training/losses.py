"""The softmax over the vocabulary, which is most of the cost of a small model."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional


class Softmax:
    """The softmax over a compact vocabulary, whole or sampled.

    ``counts`` [columns] are how often the ids occur, 0 for the last one, which stands for ``unused``
    ids alike: ``log(unused)`` is added to its logit. Losses are means in nats of hidden [rows, width]
    and table [columns, width] against targets, int64 [rows].
    """

    def __init__(self, counts: Tensor, unused: int, draws: int) -> None:
        self._offsets = torch.zeros(len(counts))
        self._offsets[-1] = math.log(unused)
        self._unigram = counts / counts.sum()
        # The square root draws rare ids more often than they occur: they are most of the table.
        self._proposal = (counts + 1).sqrt() / (counts + 1).sqrt().sum()
        self._draws = draws

    def whole(self, hidden: Tensor, table: Tensor, targets: Tensor) -> Tensor:
        return functional.cross_entropy(hidden @ table.T + self._offsets, targets)

    def sampled(
        self, hidden: Tensor, table: Tensor, targets: Tensor, generator: torch.Generator | None = None
    ) -> Tensor:
        """An estimate of ``whole`` from the targets and ``draws`` random ids.

        An id other than the row's target enters the sum over the vocabulary with the reciprocal of
        the probability that it is among the columns, which keeps the sum's expectation (Bengio and
        Senécal 2008): it may be drawn, or be the target of another row, which is a draw from the
        unigram distribution.
        """
        drawn = torch.multinomial(self._proposal, self._draws, replacement=True, generator=generator)
        columns, places = torch.unique(torch.cat([targets, drawn]), return_inverse=True)
        target = places[: len(targets), None]
        log_absent = self._draws * torch.log1p(-self._proposal[columns])
        log_absent += (len(targets) - 1) * torch.log1p(-self._unigram[columns])
        own = self._offsets[columns]
        offsets = (own - torch.log(-torch.expm1(log_absent))).expand(len(targets), -1)
        offsets = offsets.scatter(1, target, own[target])
        return functional.cross_entropy(hidden @ table[columns].T + offsets, target[:, 0])
