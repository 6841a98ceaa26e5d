"""The token embedding, in each precision."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from bot.model.gpt2.linear import FloatLinear, Linear, as_bytes
from bot.model.model_info import Precision

Embedding = Callable[[Tensor], Tensor]

# How many numbers of a row share a scale.
_BLOCK = 32


def token_embedding(weight: Tensor, head: Linear | None, precision: Precision) -> Embedding:
    """Ids → their rows of the embedding ``weight`` [vocabulary, width], as [ids, width] of float32.

    ``head`` is the head made of the same weight, if there is one: GPT-2's is, and the rows are read
    from there. Not from an int8 head: with one scale for each row, the embedding would lose too much.
    """
    if isinstance(head, FloatLinear):
        return head.weights
    if precision == "int8":
        return _ByteTable(weight)
    table = weight.to(torch.float32 if precision == "float32" else torch.bfloat16, copy=True)
    return lambda ids: functional.embedding(ids, table).float()


class _ByteTable:
    """Rows of signed bytes, with a scale for every ``_BLOCK`` of them."""

    def __init__(self, weight: Tensor) -> None:
        self._width = weight.size(1)
        padded = functional.pad(weight, (0, -self._width % _BLOCK))
        blocks = padded.view(len(weight), -1, _BLOCK)
        self._bytes, self._scales = as_bytes(blocks)

    def __call__(self, ids: Tensor) -> Tensor:
        rows: Tensor = self._bytes[ids] * self._scales[ids]
        return rows.flatten(1)[:, : self._width]
