"""How a linear layer's weights lie in memory for a precision and a kind of processor.

Decoding reads every weight for every token, so memory bounds its speed. The weights are packed
once, in the order in which they are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional

from bot.model.gpt2.memory import in_large_pages
from bot.model.kernels.builder import LANES, round_up
from bot.model.kernels.float_forms import SMALLEST
from bot.model.kernels.forms import form_of
from bot.model.kernels.pack import LARGEST
from bot.model.kernels.processor import Processor
from bot.model.model_info import Precision

_TINY = torch.finfo(torch.float32).tiny

# Integers of as many bytes as a word has.
_WORDS = {2: torch.int16, 4: torch.int32, 8: torch.int64}
_DTYPES: dict[Precision, torch.dtype] = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "int8": torch.int8,
}


@dataclass(frozen=True, slots=True)
class PackedLinear:
    """A linear layer's numbers as its kernels read them.

    ``panels`` [panels, words of a row, outputs of a panel] are the weights. The others are
    [columns]: the outputs, and zeros that fill up the last panel. Only int8 has more zeros in
    none of them: ``scales`` are the outputs' scales, and ``offsets`` are what their sums begin with.
    """

    panels: Tensor
    bias: Tensor
    scales: Tensor
    offsets: Tensor


@dataclass(frozen=True, slots=True)
class Layout:
    """The words and panels of ``bot.model.kernels.matmul``, and what stands for 0 in a packed row."""

    precision: Precision
    word_bytes: int
    zero_point: int
    panel_width: int

    @classmethod
    def of(cls, precision: Precision, processor: Processor) -> Self:
        form = form_of(precision, processor)
        return cls(precision, form.word_bytes, form.zero_point, processor.vectors * LANES)

    @property
    def dtype(self) -> torch.dtype:
        """The type of a weight."""
        return _DTYPES[self.precision]

    def packed(self, weight: Tensor, bias: Tensor | None) -> PackedLinear:
        """Round and pack a layer's ``weight`` [out, in] and ``bias`` [out], both float32.

        Holds copies and no reference to either.

        For int8, a weight is kept as a signed byte, with one scale for each output: the scheme of
        LLM.int8() without its decomposition of outliers (Dettmers et al. 2022,
        https://arxiv.org/abs/2208.07339, section 2.1).
        """
        weight = weight.detach()
        scales = offsets = None
        match self.precision:
            case "float32":
                rounded = weight
            case "bfloat16":
                rounded = _without_small(weight.bfloat16())
                bias = None if bias is None else _without_small(bias.detach())
            case "int8":
                rounded, by_row = as_bytes(weight)
                scales = by_row[:, 0]
                offsets = rounded.sum(dim=1, dtype=torch.int32) * -self.zero_point
        columns = round_up(len(weight), self.panel_width)
        return PackedLinear(
            self._panels(rounded),
            padded(bias, columns),
            padded(scales, columns),
            padded(offsets, columns, torch.int32),
        )

    def weights(self, panels: Tensor, outputs: Tensor, inputs: int) -> Tensor:
        """The rows ``outputs`` of a packed weight [out, inputs], in float32; not for int8."""
        words = panels[outputs // self.panel_width, :, outputs % self.panel_width]
        return words.contiguous().view(self.dtype)[:, :inputs].float()

    def _panels(self, weight: Tensor) -> Tensor:
        """[out, in] of the layout's type → its words: [panels, words of a row, outputs of a panel]."""
        outputs, inputs = weight.shape
        spare = (round_up(outputs, self.panel_width) - outputs, round_up(inputs, LANES) - inputs)
        columns = weight.t()
        if any(spare):
            columns = functional.pad(columns, (0, spare[0], 0, spare[1]))
        words = self._words(columns)
        return in_large_pages(words.view(len(words), -1, self.panel_width).transpose(0, 1))

    def _words(self, columns: Tensor) -> Tensor:
        """[in, out] → [words of a row, out]; the first number of a word is its lowest bits."""
        word = _WORDS[self.word_bytes]
        if word.itemsize == columns.itemsize:
            return columns.view(word)
        parts = columns.view(_WORDS.get(columns.itemsize, columns.dtype))
        count, bits = word.itemsize // columns.itemsize, 8 * columns.itemsize
        words = parts[::count].to(word).bitwise_and_(2**bits - 1)
        for n in range(1, count):
            words |= parts[n::count].to(word).bitwise_and_(2**bits - 1) << bits * n
        return words


def padded(numbers: Tensor | None, size: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """A copy of ``numbers``, if there are any, padded with zeros to ``size``."""
    copy = torch.zeros(size, dtype=dtype)
    if numbers is not None:
        copy[: numbers.size(0)] = numbers.detach()
    return copy


def as_bytes(numbers: Tensor) -> tuple[Tensor, Tensor]:
    """[…, n] → the same as signed bytes, and the scale of each row: […, 1]."""
    scales = numbers.abs().amax(dim=-1, keepdim=True).clamp_min_(_TINY) / LARGEST
    return (numbers / scales).round_().to(torch.int8), scales


def _without_small(numbers: Tensor) -> Tensor:
    """Numbers up to ``SMALLEST`` in magnitude become 0."""
    return torch.hardshrink(numbers, SMALLEST)
