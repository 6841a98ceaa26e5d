"""Linear layers of eight-bit integers.

A weight is kept as a signed byte and a scale for its output; a row of inputs
becomes unsigned bytes with a scale of its own as it comes (symmetric, so that
0 stays 0). Per-row scales cost a little time over one for the whole batch, but
with one for the batch a large number in one text would blunt all the others.
The products are summed as integers, so the sums are exact and a row's result
is the same whatever rows lie beside it.

The scheme is that of LLM.int8() without its decomposition of outliers
(Dettmers et al. 2022, https://arxiv.org/abs/2208.07339, section 2.1).
"""

from __future__ import annotations

import torch
from torch import Tensor

from bot.model.linear import Activation

_LARGEST = 127
# Bytes are unsigned on the side of the inputs: x86's instruction takes one of each.
_ZERO = 128
_ROWS_HINT = 8


def quantization_available() -> bool:
    """Whether this torch and this processor multiply bytes, and sum them without overflow."""
    names = ("qlinear_prepack", "qlinear_pointwise")
    return torch.cpu._is_vnni_supported() and all(hasattr(torch.ops.onednn, name) for name in names)  # noqa: SLF001


class QuantizedLinear:
    """activation(x · weightᵀ + bias) with ``weight`` [out, in] rounded to bytes."""

    def __init__(self, weight: Tensor, bias: Tensor | None, activation: Activation = "none") -> None:
        weight = weight.detach()
        scale = weight.abs().amax(dim=1).clamp_min(torch.finfo(torch.float32).tiny) / _LARGEST
        # The packing takes the bytes as they lie, whatever the strides say.
        rounded = (weight / scale[:, None]).round_().to(torch.int8).contiguous()
        self._weight = torch.ops.onednn.qlinear_prepack(rounded, [_ROWS_HINT, weight.size(1)])
        self._scale = scale
        self._no_offset = torch.zeros(scale.shape, dtype=torch.int64)
        self._bias = torch.zeros(scale.shape) if bias is None else bias.detach().clone()
        self._activation = activation

    def __call__(self, x: Tensor) -> Tensor:
        """[rows, in] → [rows, out], both float32."""
        largest = x.abs().amax(dim=1, keepdim=True)
        step = largest.clamp_min_(torch.finfo(torch.float32).tiny).div_(_LARGEST)
        # All are positive here, so cutting off the fraction rounds to the nearest.
        rounded = (x / step).add_(_ZERO + 0.5).to(torch.uint8)
        sums = torch.ops.onednn.qlinear_pointwise(
            *(rounded, 1.0, _ZERO),
            *(self._weight, self._scale, self._no_offset),
            *(None, 1.0, 0, torch.float32, "none", [], ""),
        )
        result = torch.addcmul(self._bias, sums, step)
        if self._activation == "gelu_tanh":
            for rows in torch.split(result, _rows_of_gelu(result.size(1))):
                torch.ops.aten.gelu_(rows, approximate="tanh")
        return result


def _rows_of_gelu(width: int) -> int:
    """How many rows GELU can take at once without a row's bits depending on where it lies.

    They do where a share of the work has odd elements at its end: torch takes
    thirty-two at a time, and shares work between threads from 32,768 on.
    """
    return max(1, 32_767 // width) if width % 32 == 0 else 1
