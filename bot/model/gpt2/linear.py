"""Linear layers in each precision.

Decoding reads every weight for every token, so memory bounds its speed. The weights are packed
once, in the order in which they are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from bot.model.gpt2.memory import in_large_pages
from bot.model.kernels.builder import LANES, round_up
from bot.model.kernels.dispatch import Call
from bot.model.kernels.float_forms import SMALLEST
from bot.model.kernels.forms import form_of
from bot.model.kernels.jit import Kernels
from bot.model.kernels.matmul import MatmulArguments, matmul_signature, tile_sizes
from bot.model.kernels.pack import LARGEST, PACK, PackArguments
from bot.model.kernels.processor import Processor
from bot.model.model_info import Precision

Activation = Literal["none", "gelu_tanh"]

_TINY = torch.finfo(torch.float32).tiny

# Integers of as many bytes as a word has.
_WORDS = {2: torch.int16, 4: torch.int32, 8: torch.int64}


def _padded(numbers: Tensor | None, size: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """A copy of ``numbers``, if there are any, padded with zeros to ``size``."""
    padded = torch.zeros(size, dtype=dtype)
    if numbers is not None:
        padded[: numbers.size(0)] = numbers.detach()
    return padded


@dataclass(frozen=True, slots=True)
class Tiling:
    """``rows`` rows in ``tiles`` tiles of ``tile_rows`` each; the rows beyond ``rows`` are spare."""

    rows: int
    tiles: int
    tile_rows: int

    def matrix(self, columns: int, dtype: torch.dtype = torch.float32) -> Tensor:
        """Zeros for all rows, including the spare ones: [tiles · tile_rows, columns]."""
        return torch.zeros(self.tiles * self.tile_rows, columns, dtype=dtype)


class Norm:
    """A layer normalization, computed where a product packs its rows.

    ``weight`` and ``shift`` are [width], padded with zeros.
    """

    def __init__(self, weight: Tensor, shift: Tensor, epsilon: float) -> None:
        self.weight, self.shift = (
            _padded(numbers, round_up(weight.size(0), LANES)) for numbers in (weight, shift)
        )
        self.epsilon = epsilon


#: Leaves rows as they are.
NO_NORM = Norm(torch.empty(0), torch.empty(0), 0.0)


class Matmul:
    """The compiled kernels of a product, and the layout that they read."""

    def __init__(self, kernels: Kernels, precision: Precision, processor: Processor) -> None:
        self.kernels = kernels
        self.form = form_of(precision, processor)
        self.panel_width = processor.vectors * LANES
        self._most_rows = processor.rows
        self.pack = kernels.kernel(PACK)
        self.multiply = {rows: kernels.kernel(matmul_signature(rows)) for rows in tile_sizes(processor)}

    def panels(self, weight: Tensor) -> Tensor:
        """[out, in] of the form's type → its words: [panels, words of a row, outputs of a panel]."""
        outputs, inputs = weight.shape
        spare = (round_up(inputs, LANES) - inputs, round_up(outputs, self.panel_width) - outputs)
        padded = functional.pad(weight, (0, spare[0], 0, spare[1])).contiguous()
        words = padded.view(_WORDS[self.form.word_bytes])
        return in_large_pages(words.view(-1, self.panel_width, words.size(1)).transpose(1, 2))

    def tiling(self, rows: int) -> Tiling:
        tiles = -(-rows // self._most_rows)
        return Tiling(rows, tiles, next(size for size in self.multiply if size * tiles >= rows))


class Scratch:
    """Room in which torch's threads pack rows of up to ``inputs`` numbers."""

    def __init__(self, tiling: Tiling, inputs: int) -> None:
        self.tiles = tiling.matrix(round_up(inputs, LANES), torch.int32)
        self.row_scales = tiling.matrix(1)
        self.rows = torch.empty(torch.get_num_threads(), round_up(inputs, LANES))


class Linear:
    """activation(x · weightᵀ + bias). A row's result depends on that row alone, bit for bit.

    ``weight`` [out, in] has the type that is multiplied, ``bias`` [out] is float32. For int8,
    ``scales`` [out] are the outputs' scales.
    """

    def __init__(
        self,
        matmul: Matmul,
        weight: Tensor,
        bias: Tensor | None,
        activation: Activation = "none",
        scales: Tensor | None = None,
    ) -> None:
        self._matmul, self._gelu = matmul, activation == "gelu_tanh"
        self.outputs, self.inputs = weight.shape
        self.panels = matmul.panels(weight)
        self._panel_count, self._depth, panel_width = self.panels.shape
        self._words = self.panels.view(torch.int32)
        # What follows is [columns]: the outputs, and zeros that fill up the last panel.
        self.columns = self._panel_count * panel_width
        self._bias = _padded(bias, self.columns)
        self._scales = _padded(scales, self.columns)
        offsets = None if scales is None else weight.sum(dim=1, dtype=torch.int32) * -matmul.form.zero_point
        self._offsets = _padded(offsets, self.columns, torch.int32)

    def calls(
        self,
        tiling: Tiling,
        x: Tensor,
        out: Tensor,
        scratch: Scratch,
        *,
        norm: Norm = NO_NORM,
        add: bool = False,
    ) -> list[Call]:
        """The calls that compute ``out`` [rows, columns] from ``x``, or with ``add`` add to it.

        ``x`` is [rows, at least ``inputs``], padded with zeros to a multiple of ``LANES``. Both have the
        spare rows. All tensors, the layer and the norm must live as long as the calls.
        """
        pack = PackArguments(
            x=x,
            tiles=scratch.tiles,
            row_scales=scratch.row_scales,
            scratch=scratch.rows,
            row_count=tiling.rows,
            width=self.inputs,
            stride=x.stride(0),
            depth=self._depth,
            tile_rows=tiling.tile_rows,
            normalize=norm is not NO_NORM,
            weight=norm.weight,
            shift=norm.shift,
            epsilon=norm.epsilon,
        )
        multiply = MatmulArguments(
            tiles=scratch.tiles,
            panels=self._words,
            out=out,
            depth=self._depth,
            tile_count=tiling.tiles,
            panel_count=self._panel_count,
            stride=out.stride(0),
            bias=self._bias,
            offsets=self._offsets,
            output_scales=self._scales,
            row_scales=scratch.row_scales,
            gelu=self._gelu,
            add=add,
        )
        return [self._matmul.pack.call(pack), self._matmul.multiply[tiling.tile_rows].call(multiply)]

    def __call__(self, x: Tensor, norm: Norm = NO_NORM) -> Tensor:
        """[rows, in] → [rows, out], both float32; ValueError if ``x`` is not as wide as the weights."""
        if x.size(1) != self.inputs:
            raise ValueError(f"a row of {x.size(1)} numbers for a layer of {self.inputs}")
        tiling = self._matmul.tiling(x.size(0))
        rows, out = tiling.matrix(round_up(self.inputs, LANES)), tiling.matrix(self.columns)
        rows[: x.size(0), : self.inputs] = x
        scratch = Scratch(tiling, self.inputs)
        self._matmul.kernels.run(*self.calls(tiling, rows, out, scratch, norm=norm))
        return out[: x.size(0), : self.outputs]


class FloatLinear(Linear):
    """Weights and products of ``dtype``, summed in float32.

    Holds a copy and no reference to ``weight`` [out, in]; drop yours.
    """

    def __init__(
        self,
        matmul: Matmul,
        weight: Tensor,
        bias: Tensor | None,
        activation: Activation = "none",
        *,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        rounded = weight.detach().to(dtype)
        if dtype == torch.bfloat16:
            rounded = _without_small(rounded)
            bias = None if bias is None else _without_small(bias.detach())
        super().__init__(matmul, rounded, bias, activation)
        self._dtype = dtype

    def weights(self, outputs: Tensor) -> Tensor:
        """The rows ``outputs`` of ``weight``: [outputs, in], float32."""
        width = self._matmul.panel_width
        words = self.panels[outputs // width, :, outputs % width]
        return words.contiguous().view(self._dtype)[:, : self.inputs].float()


class Int8Linear(Linear):
    """Weights of eight-bit integers.

    A weight is kept as a signed byte, with one scale for each output. A row of inputs
    becomes bytes when it is packed, with a scale of its own (symmetric, so that
    0 stays 0). One scale for the whole batch would be a little faster, but a large number in
    one text would then blunt all the others. The sums are integers, and therefore exact.

    The scheme is that of LLM.int8() without its decomposition of outliers
    (Dettmers et al. 2022, https://arxiv.org/abs/2208.07339, section 2.1).
    """

    def __init__(
        self, matmul: Matmul, weight: Tensor, bias: Tensor | None, activation: Activation = "none"
    ) -> None:
        rounded, scales = as_bytes(weight.detach())
        super().__init__(matmul, rounded, bias, activation, scales[:, 0])


def _without_small(numbers: Tensor) -> Tensor:
    """Numbers up to ``SMALLEST`` in magnitude become 0."""
    return torch.hardshrink(numbers, SMALLEST)


def as_bytes(numbers: Tensor) -> tuple[Tensor, Tensor]:
    """[…, n] → the same as signed bytes, and the scale of each row: […, 1]."""
    scales = numbers.abs().amax(dim=-1, keepdim=True).clamp_min_(_TINY) / LARGEST
    return (numbers / scales).round_().to(torch.int8), scales
