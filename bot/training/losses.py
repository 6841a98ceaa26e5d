"""The softmax over the vocabulary, which is most of the cost of a small model."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


class _ChunkedCrossEntropy(torch.autograd.Function):
    """Loss and gradients in one pass over chunks of rows.

    The gradients are made while a chunk's probabilities are still in the cache
    and only they are kept, never the [rows, columns] logits (the idea of
    Hsu et al. 2024, "Liger Kernel").
    """

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        table: Tensor,
        targets: Tensor,
        offsets: Tensor,
        target_offsets: Tensor,
        dtype: torch.dtype,
        chunk_rows: int,
    ) -> Tensor:
        rows = len(hidden)
        low_table, low_hidden, low_offsets = table.to(dtype), hidden.to(dtype), offsets.to(dtype)
        target_shift = (target_offsets - offsets)[targets, None].to(dtype)
        hidden_gradient = torch.empty_like(hidden)
        table_gradient = torch.zeros_like(table)
        loss = torch.zeros((), dtype=torch.float64)
        for start in range(0, rows, chunk_rows):
            chunk = slice(start, start + chunk_rows)
            target = targets[chunk, None]
            logits = torch.addmm(low_offsets, low_hidden[chunk], low_table.T)
            logits.scatter_add_(1, target, target_shift[chunk])
            probabilities = logits.softmax(-1)
            right = probabilities.gather(1, target)
            loss -= right.float().clamp_min(torch.finfo(torch.float32).tiny).log().sum()
            error = probabilities.scatter_(1, target, right - 1)
            hidden_gradient[chunk] = error @ low_table
            table_gradient += error.T @ low_hidden[chunk]
        ctx.save_for_backward(hidden_gradient.div_(rows), table_gradient.div_(rows))
        return (loss / rows).to(hidden.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        hidden_gradient, table_gradient = ctx.saved_tensors
        return hidden_gradient * gradient, table_gradient * gradient, None, None, None, None, None


def chunked_cross_entropy(
    hidden: Tensor,
    table: Tensor,
    targets: Tensor,
    offsets: Tensor,
    target_offsets: Tensor | None = None,
    dtype: torch.dtype = torch.float32,
    chunk_rows: int = 256,
) -> Tensor:
    """Mean cross-entropy in nats of ``softmax(hidden @ table.T + offsets)`` against ``targets``.

    hidden [rows, width], table [columns, width], targets int64 [rows], offsets
    [columns]. Where a column is the row's own target, ``target_offsets`` stands
    instead of ``offsets``. Gradients flow to ``hidden`` and ``table``. With
    bfloat16 the products and probabilities are rounded to eight bits, the sums
    over the vocabulary are not.
    """
    own = offsets if target_offsets is None else target_offsets
    loss: Tensor = _ChunkedCrossEntropy.apply(hidden, table, targets, offsets, own, dtype, chunk_rows)  # type: ignore[no-untyped-call]
    return loss


class Softmax:
    """The softmax over a compact vocabulary, whole or sampled.

    ``counts`` [columns] are how often the ids occur, 0 for the last one, which
    stands for ``unused`` ids alike: ``log(unused)`` is added to its logit.
    """

    def __init__(self, counts: Tensor, unused: int, draws: int, dtype: torch.dtype) -> None:
        self._offsets = torch.zeros(len(counts))
        self._offsets[-1] = math.log(unused)
        self._unigram = counts / counts.sum()
        # The square root draws rare ids more often than they occur: they are most of the table.
        self._proposal = (counts + 1).sqrt() / (counts + 1).sqrt().sum()
        self._draws = draws
        self._dtype = dtype

    def whole(self, hidden: Tensor, table: Tensor, targets: Tensor) -> Tensor:
        """Mean loss in nats over all columns; shapes as in ``chunked_cross_entropy``."""
        return chunked_cross_entropy(hidden, table, targets, self._offsets, dtype=self._dtype)

    def sampled(self, hidden: Tensor, table: Tensor, targets: Tensor, generator: torch.Generator) -> Tensor:
        """An estimate of ``whole`` from the targets and ``draws`` random ids.

        An id other than the row's target enters the sum over the vocabulary with
        the reciprocal of the probability that it is among the columns, which
        keeps the sum's expectation (Bengio and Senécal 2008): it may be drawn, or
        be the target of another row, which is a draw from the unigram distribution.
        """
        drawn = torch.multinomial(self._proposal, self._draws, replacement=True, generator=generator)
        columns, places = torch.unique(torch.cat([targets, drawn]), return_inverse=True)
        log_absent = self._draws * torch.log1p(-self._proposal[columns])
        log_absent += (len(targets) - 1) * torch.log1p(-self._unigram[columns])
        own = self._offsets[columns]
        return chunked_cross_entropy(
            hidden,
            table[columns],
            places[: len(targets)],
            own - torch.log(-torch.expm1(log_absent)),
            own,
            self._dtype,
        )
