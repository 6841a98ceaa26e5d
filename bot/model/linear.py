"""Linear layers in each precision.

Decoding reads every weight for every token, so it is as fast as the weights come
from memory. They are packed once, in the order in which they are read.
"""

from __future__ import annotations

from typing import Literal, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from bot.model.memory import in_large_pages
from bot.model.native import quantize
from bot.model.native.emit import LANES
from bot.model.native.machine import Machine, Processor
from bot.model.native.product import function_name, tile_sizes

Activation = Literal["none", "gelu_tanh"]

_TINY = torch.finfo(torch.float32).tiny


class Products:
    """The compiled products of ``machine``, and how they want numbers to lie."""

    def __init__(self, machine: Machine, processor: Processor) -> None:
        self._machine = machine
        self.width = processor.vectors * LANES
        self._rows = processor.rows
        self._addresses = {rows: machine.address(function_name(rows)) for rows in tile_sizes(processor)}

    def panels(self, weight: Tensor) -> Tensor:
        """[out, in] of any type → panels of words: [panels, words of a row, outputs of a panel]."""
        words = _words(weight)
        panels = -(-words.size(0) // self.width)
        words = functional.pad(words, (0, 0, 0, panels * self.width - words.size(0)))
        return in_large_pages(words.view(panels, self.width, -1).transpose(1, 2))

    def __call__(self, x: Tensor, panels: Tensor, *numbers: Tensor | None, gelu: bool) -> Tensor:
        """[rows, in] of the weights' type → [rows, outputs of the panels], float32.

        ``numbers`` are the bias, offsets, scales and steps of ``bot.model.native.product``.
        ValueError if there are not as many inputs as the panels have.
        """
        count, depth, width = panels.shape
        tiles = -(-x.size(0) // self._rows)
        rows = next(size for size in self._addresses if size * tiles >= x.size(0))
        words = _tiles(x, tiles, rows)
        if words.size(1) != depth:
            raise ValueError(f"a row of {words.size(1)} words for panels of {depth}")
        out = torch.empty(tiles * rows, count * width)
        self._machine.start(
            self._addresses[rows],
            count,
            *(words.data_ptr(), panels.data_ptr(), out.data_ptr()),
            *(depth, tiles, count, count * width),
            *(0 if tensor is None else tensor.data_ptr() for tensor in numbers),
            gelu,
        )
        return out[: x.size(0)]

    def quantized(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """``x`` [rows, in] as bytes of that shape, and the rows' steps, more than are needed."""
        rows, inputs = x.shape
        if spare := -inputs % LANES:
            x = functional.pad(x, (0, spare))
        x = x.contiguous()
        taken = torch.empty(x.shape, dtype=torch.uint8)
        # The rows that fill up the last tile are multiplied too.
        steps = torch.empty(rows + self._rows)
        self._machine.start(
            self._machine.address(quantize.NAME),
            rows,
            *(x.data_ptr(), taken.data_ptr(), steps.data_ptr()),
            *(rows, x.size(1)),
        )
        return taken[:, :inputs], steps


class Linear(Protocol):
    """activation(x · weightᵀ + bias). A row's result depends on that row alone, bit for bit."""

    def __call__(self, x: Tensor) -> Tensor:
        """[rows, in] → [rows, out], both float32."""


class FloatLinear:
    """Weights and products of ``dtype``, summed in float32.

    Holds a copy and no reference to ``weight`` [out, in]; drop yours.
    """

    def __init__(
        self,
        products: Products,
        weight: Tensor,
        bias: Tensor | None,
        activation: Activation = "none",
        *,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self._products, self._dtype, self._gelu = products, dtype, activation == "gelu_tanh"
        self._out, self._in = weight.shape
        self._panels = products.panels(weight.detach().to(dtype))
        self._bias = _filled(bias, self._panels)

    def __call__(self, x: Tensor) -> Tensor:
        result = self._products(
            x.to(self._dtype), self._panels, self._bias, None, None, None, gelu=self._gelu
        )
        return result[:, : self._out]

    def weights(self, outputs: Tensor) -> Tensor:
        """The rows ``outputs`` of ``weight``: [outputs, in], float32."""
        width = self._products.width
        words = self._panels[outputs // width, :, outputs % width]
        return words.contiguous().view(self._dtype)[:, : self._in].float()


class Int8Linear:
    """Weights of eight-bit integers.

    A weight is kept as a signed byte and a scale for its output; a row of inputs
    becomes unsigned bytes with a scale of its own as it comes (symmetric, so that
    0 stays 0). Per-row scales cost a little time over one for the whole batch, but
    with one for the batch a large number in one text would blunt all the others.
    The products are summed as integers, so the sums are exact.

    The scheme is that of LLM.int8() without its decomposition of outliers
    (Dettmers et al. 2022, https://arxiv.org/abs/2208.07339, section 2.1).
    """

    def __init__(
        self, products: Products, weight: Tensor, bias: Tensor | None, activation: Activation = "none"
    ) -> None:
        self._products, self._gelu = products, activation == "gelu_tanh"
        self._out = weight.size(0)
        weight = weight.detach()
        scale = weight.abs().amax(dim=1).clamp_min(_TINY) / quantize.LARGEST
        rounded = (weight / scale[:, None]).round_().to(torch.int8)
        self._panels = products.panels(rounded)
        self._bias, self._scales = _filled(bias, self._panels), _filled(scale, self._panels)
        offsets = rounded.sum(dim=1, dtype=torch.int32) * -quantize.ZERO
        self._offsets = _filled(offsets, self._panels, torch.int32)

    def __call__(self, x: Tensor) -> Tensor:
        rounded, steps = self._products.quantized(x)
        result = self._products(
            rounded, self._panels, self._bias, self._offsets, self._scales, steps, gelu=self._gelu
        )
        return result[:, : self._out]


def _tiles(x: Tensor, tiles: int, rows: int) -> Tensor:
    """[rows, numbers] → [tiles, words of a row, rows of a tile], filled up with zeros."""
    words = _words(x)
    if spare := tiles * rows - words.size(0):
        words = functional.pad(words, (0, 0, 0, spare))
    if rows == 1:
        return words.unsqueeze(-1)
    return words.view(tiles, rows, -1).transpose(1, 2).contiguous()


def _words(numbers: Tensor) -> Tensor:
    """[rows, numbers] → [rows, words of 32 bits], the last one filled up with zeros."""
    missing = -numbers.size(1) * numbers.element_size() % 4 // numbers.element_size()
    if missing:
        numbers = functional.pad(numbers, (0, missing))
    # Flat, because the strides of a single row or column can be anything.
    return numbers.flatten().view(torch.int32).view(numbers.size(0), -1)


def _filled(numbers: Tensor | None, panels: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """A copy of ``numbers`` [out] with zeros for the outputs that fill up the last panel."""
    filled = torch.zeros(panels.size(0) * panels.size(2), dtype=dtype)
    if numbers is not None:
        filled[: numbers.size(0)] = numbers.detach()
    return filled
