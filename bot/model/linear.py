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

# A packed layer takes at least two rows: a single one goes through another kernel,
# with other bits. It is quickest with four to six: with fewer it waits for memory
# longer (measured: 21 GB/s for two rows, 28 for four). Spare rows cost nothing.
FEWEST_ROWS = 4

# Decoding has few rows; a weight packed for eight serves every number of them.
_ROWS_HINT = 8


class Linear(Protocol):
    """activation(x · weightᵀ + bias)."""

    def __call__(self, x: Tensor) -> Tensor:
        """[rows, in] → [rows, out], both float32. A packed layer's rows are ``FEWEST_ROWS`` or more."""


def packing_available() -> bool:
    """Whether this torch can pack weights on this processor."""
    names = ("_reorder_linear_weight", "_linear_pointwise")
    return torch._C._has_mkldnn and all(hasattr(torch.ops.mkldnn, name) for name in names)  # noqa: SLF001


class PackedLinear:
    """A row's result depends on that row alone, bit for bit.

    ``dtype`` is that of the weights and the products; they are summed in float32.
    Holds a copy and no reference to ``weight`` [out, in]; drop yours.
    """

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor | None,
        activation: Activation = "none",
        *,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self._dtype = dtype
        self._weight = torch.ops.mkldnn._reorder_linear_weight(weight.detach().to(dtype), _ROWS_HINT)  # noqa: SLF001
        self._bias = None if bias is None else bias.detach().to(dtype, copy=True)
        self._attr, self._algorithm = ("none", "") if activation == "none" else ("gelu", "tanh")

    def __call__(self, x: Tensor) -> Tensor:
        result: Tensor = torch.ops.mkldnn._linear_pointwise(  # noqa: SLF001
            x.to(self._dtype), self._weight, self._bias, self._attr, [], self._algorithm
        )
        return result.float()


class PlainLinear:
    """The same values by public functions; a row's last bits depend on the rows beside it."""

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor | None,
        activation: Activation = "none",
        *,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self._dtype = dtype
        self._weight = weight.detach().to(dtype)
        self._bias = None if bias is None else bias.detach().to(dtype)
        self._activation = activation

    def __call__(self, x: Tensor) -> Tensor:
        result = functional.linear(x.to(self._dtype), self._weight, self._bias)
        return (result if self._activation == "none" else functional.gelu(result, approximate="tanh")).float()
