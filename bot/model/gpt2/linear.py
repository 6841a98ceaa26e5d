"""Linear layers in each precision.

Decoding reads every weight for every token, so it is as fast as the weights come
from memory. They are packed once, in the order in which they are read.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from bot.model.gpt2.memory import in_large_pages
from bot.model.kernels import pack
from bot.model.kernels.builder import LANES, whole
from bot.model.kernels.jit import Call, Machine, Processor
from bot.model.kernels.matmul import function_name, tile_sizes

Activation = Literal["none", "gelu_tanh"]

_TINY = torch.finfo(torch.float32).tiny


@dataclass(frozen=True, slots=True)
class Tiling:
    """How ``rows`` rows are shared out: so many ``tiles`` of ``size`` rows, some of them spare."""

    rows: int
    tiles: int
    size: int

    def matrix(self, columns: int, dtype: torch.dtype = torch.float32) -> Tensor:
        """Zeros for all rows, the spare ones too: [tiles · size, columns]."""
        return torch.zeros(self.tiles * self.size, columns, dtype=dtype)


class Norm:
    """A layer normalization, to be computed where a product takes its rows.

    ``weight`` and ``bias`` are [width]. ``words`` are the last arguments of
    ``bot.model.kernels.pack``, and are good as long as this lives.
    """

    def __init__(self, weight: Tensor, bias: Tensor, eps: float) -> None:
        self._numbers = [_filled(numbers, whole(weight.size(0), LANES)) for numbers in (weight, bias)]
        self.words = (*(numbers.data_ptr() for numbers in self._numbers), bits(eps))


#: The words where nothing is to be normalized.
NO_NORM = (0, 0, 0)


class Products:
    """The compiled products of ``machine``, and how they want numbers to lie."""

    def __init__(self, machine: Machine, processor: Processor) -> None:
        self.machine = machine
        self.width = processor.vectors * LANES
        self._rows = processor.rows
        self.prepare = machine.address(pack.NAME)
        self.products = {rows: machine.address(function_name(rows)) for rows in tile_sizes(processor)}

    def panels(self, weight: Tensor) -> Tensor:
        """[out, in] of any type → panels of words: [panels, words of a row, outputs of a panel]."""
        outputs, inputs = weight.shape
        spare = (whole(inputs, LANES) - inputs, whole(outputs, self.width) - outputs)
        filled = functional.pad(weight, (0, spare[0], 0, spare[1])).contiguous()
        words = filled.view(torch.int32).view(-1, self.width, filled.size(1) * filled.element_size() // 4)
        return in_large_pages(words.transpose(1, 2))

    def tiling(self, rows: int) -> Tiling:
        tiles = -(-rows // self._rows)
        return Tiling(rows, tiles, next(size for size in self.products if size * tiles >= rows))


class Scratch:
    """Where torch's threads prepare rows of up to ``inputs`` numbers for products."""

    def __init__(self, tiling: Tiling, inputs: int) -> None:
        self.tiles = tiling.matrix(whole(inputs, LANES), torch.int32)
        self.steps = tiling.matrix(1)
        self.space = torch.empty(torch.get_num_threads(), whole(inputs, LANES))


class Linear:
    """activation(x · weightᵀ + bias). A row's result depends on that row alone, bit for bit.

    ``weight`` [out, in] is of the type that is multiplied, ``bias`` [out] of float32. Of
    bytes, ``scales`` has what each output's integer is to be multiplied by.
    """

    def __init__(
        self,
        products: Products,
        weight: Tensor,
        bias: Tensor | None,
        activation: Activation = "none",
        scales: Tensor | None = None,
    ) -> None:
        self._products, self._gelu = products, activation == "gelu_tanh"
        self.outputs, self.inputs = weight.shape
        self.panels = products.panels(weight)
        # [out], with zeros for what fills up the last panel: what an output begins with, …
        self.columns = self.panels.size(0) * self.panels.size(2)
        self._bias = _filled(bias, self.columns)
        self._scales = _filled(scales, self.columns)
        offsets = None if scales is None else weight.sum(dim=1, dtype=torch.int32) * -pack.ZERO
        self._offsets = _filled(offsets, self.columns, torch.int32)

    def calls(
        self,
        tiling: Tiling,
        x: Tensor,
        out: Tensor,
        scratch: Scratch,
        *,
        norm: tuple[int, ...] = NO_NORM,
        add: bool = False,
    ) -> list[Call]:
        """What computes ``out`` [rows, columns] from ``x``, or with ``add`` adds to it.

        ``x`` [rows, at least ``inputs``] has zeros up to a multiple of ``LANES``, ``out`` has
        ``columns``; both have the spare rows. All must live as long as the calls.
        """
        count, depth, _ = self.panels.shape
        tiles, steps, space = (part.data_ptr() for part in (scratch.tiles, scratch.steps, scratch.space))
        sizes = (tiling.rows, self.inputs, x.stride(0), depth, tiling.size)
        numbers = (self._bias, self._offsets, self._scales)
        return [
            Call(self._products.prepare, (x.data_ptr(), tiles, steps, space, *sizes, *norm)),
            Call(
                self._products.products[tiling.size],
                (
                    *(tiles, self.panels.data_ptr(), out.data_ptr()),
                    *(depth, tiling.tiles, count, out.stride(0)),
                    *(tensor.data_ptr() for tensor in numbers),
                    *(steps, self._gelu, add),
                ),
            ),
        ]

    def __call__(self, x: Tensor, norm: tuple[int, ...] = NO_NORM) -> Tensor:
        """[rows, in] → [rows, out], both float32; ValueError if ``x`` is not as wide as the weights."""
        if x.size(1) != self.inputs:
            raise ValueError(f"a row of {x.size(1)} numbers for a layer of {self.inputs}")
        tiling = self._products.tiling(x.size(0))
        rows, out = tiling.matrix(whole(self.inputs, LANES)), tiling.matrix(self.columns)
        rows[: x.size(0), : self.inputs] = x
        scratch = Scratch(tiling, self.inputs)
        self._products.machine.run(*self.calls(tiling, rows, out, scratch, norm=norm))
        return out[: x.size(0), : self.outputs]


class FloatLinear(Linear):
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
        super().__init__(products, weight.detach().to(dtype), bias, activation)
        self._dtype = dtype

    def weights(self, outputs: Tensor) -> Tensor:
        """The rows ``outputs`` of ``weight``: [outputs, in], float32."""
        width = self._products.width
        words = self.panels[outputs // width, :, outputs % width]
        return words.contiguous().view(self._dtype)[:, : self.inputs].float()


class Int8Linear(Linear):
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
        rounded, scales = as_bytes(weight.detach())
        super().__init__(products, rounded, bias, activation, scales[:, 0])


def as_bytes(numbers: Tensor) -> tuple[Tensor, Tensor]:
    """[…, n] → the same as signed bytes, and what each row of them is to be multiplied by: […, 1]."""
    scales = numbers.abs().amax(dim=-1, keepdim=True).clamp_min_(_TINY) / pack.LARGEST
    return (numbers / scales).round_().to(torch.int8), scales


def bits(number: float) -> int:
    """``number`` as a float32, its bits as an integer."""
    return int.from_bytes(struct.pack("<f", number), "little")


def _filled(numbers: Tensor | None, size: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """A copy of ``numbers``, if there are any, with zeros up to ``size``."""
    filled = torch.zeros(size, dtype=dtype)
    if numbers is not None:
        filled[: numbers.size(0)] = numbers.detach()
    return filled
