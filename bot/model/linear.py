"""Linear layers whose weights are packed once for the processor.

Decoding reads every weight for every token, so it is as fast as the weights
come from memory: oneDNN's packed layout reads two to three times the bytes a
second that ``F.linear`` does. A packed layer also gives a row the same bits
however many rows come with it, as long as there are at least two; ``F.linear``
does not. The activation is part of the layer for the same reason: ``F.gelu``
treats the odd elements at the end of each thread's share differently, so its
bits depend on where a row lies; oneDNN's, applied within the product, do not.

The operators' names are private to torch. Where they are missing, ``linear``
returns a layer made of public functions; ``packing_available`` tells which.
"""

from __future__ import annotations

from typing import Literal, Protocol

import torch
from torch import Tensor
from torch.nn import functional

Activation = Literal["none", "gelu_tanh"]

# Decoding has few rows; a weight packed for eight serves every number of them.
_ROWS_HINT = 8


class Linear(Protocol):
    """activation(x · weightᵀ + bias)."""

    def __call__(self, x: Tensor) -> Tensor:
        """[rows, in] → [rows, out], float32."""


def packing_available() -> bool:
    """Whether this torch can pack weights on this processor."""
    names = ("_reorder_linear_weight", "_linear_pointwise")
    return torch._C._has_mkldnn and all(hasattr(torch.ops.mkldnn, name) for name in names)  # noqa: SLF001


def linear(
    weight: Tensor, bias: Tensor | None, *, activation: Activation = "none", packed: bool | None = None
) -> Linear:
    """A layer of ``weight`` [out, in] and ``bias`` [out], packed where that is possible.

    A packed layer holds a copy and no reference to ``weight``; drop yours.
    """
    if packed is None:
        packed = packing_available()
    return (PackedLinear if packed else PlainLinear)(weight, bias, activation)


class PackedLinear:
    """A row's result depends on that row alone, bit for bit."""

    def __init__(self, weight: Tensor, bias: Tensor | None, activation: Activation) -> None:
        self._weight = torch.ops.mkldnn._reorder_linear_weight(weight.detach(), _ROWS_HINT)  # noqa: SLF001
        self._bias = None if bias is None else bias.detach().clone()
        self._attr, self._algorithm = ("none", "") if activation == "none" else ("gelu", "tanh")

    def __call__(self, x: Tensor) -> Tensor:
        rows = x.size(0)
        if rows == 1:
            # A single row takes another kernel, with other bits.
            x = functional.pad(x, (0, 0, 0, 1))
        result: Tensor = torch.ops.mkldnn._linear_pointwise(  # noqa: SLF001
            x, self._weight, self._bias, self._attr, [], self._algorithm
        )
        return result[:rows]


class PlainLinear:
    """The same values by public functions; a row's last bits depend on the rows beside it."""

    def __init__(self, weight: Tensor, bias: Tensor | None, activation: Activation) -> None:
        self._weight = weight.detach()
        self._bias = None if bias is None else bias.detach()
        self._activation = activation

    def __call__(self, x: Tensor) -> Tensor:
        result = functional.linear(x, self._weight, self._bias)
        return result if self._activation == "none" else functional.gelu(result, approximate="tanh")
