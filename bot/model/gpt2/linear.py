"""Linear layers: products of packed rows and packed weights."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from bot.model.gpt2.linear_layout import Layout, PackedLinear, padded
from bot.model.gpt2.tiling import Room, Tiling, tiled
from bot.model.kernels.builder import LANES, round_up
from bot.model.kernels.dispatch import Call
from bot.model.kernels.jit import Kernels
from bot.model.kernels.matmul import MatmulArguments, matmul_signature, tile_sizes
from bot.model.kernels.pack import PACK, PackArguments
from bot.model.kernels.processor import Processor
from bot.model.model_info import Precision

Activation = Literal["none", "gelu_tanh"]


class Norm:
    """A layer normalization, computed where a product packs its rows.

    ``weight`` and ``shift`` are [width], padded with zeros.
    """

    def __init__(self, weight: Tensor, shift: Tensor, epsilon: float) -> None:
        self.weight, self.shift = (
            padded(numbers, round_up(weight.size(0), LANES)) for numbers in (weight, shift)
        )
        self.epsilon = epsilon


#: Leaves rows as they are.
NO_NORM = Norm(torch.empty(0), torch.empty(0), 0.0)


class Matmul:
    """The compiled kernels of a product, and the layout that they read."""

    def __init__(self, kernels: Kernels, precision: Precision, processor: Processor) -> None:
        self.kernels = kernels
        self.layout = Layout.of(precision, processor)
        self.pack = kernels.kernel(PACK)
        self.multiply = {rows: kernels.kernel(matmul_signature(rows)) for rows in tile_sizes(processor)}

    def tiling(self, rows: int) -> Tiling:
        return tiled(rows, self.multiply)


class Scratch:
    """Room in which torch's threads pack rows of up to ``inputs`` numbers."""

    def __init__(self, tiling: Tiling, inputs: int) -> None:
        self.tiles = tiling.matrix(round_up(inputs, LANES), torch.int32)
        self.row_scales = tiling.matrix(1)
        self.rows = torch.empty(torch.get_num_threads(), round_up(inputs, LANES))


class Linear:
    """activation(x · weightᵀ + bias). A row's result depends on that row alone, bit for bit.

    A row has ``inputs`` numbers. For int8, it becomes bytes when it is packed, with a scale of its own
    (symmetric, so that 0 stays 0). One scale for the whole batch would be a little faster, but a large
    number in one text would then blunt all the others. The sums are integers, and therefore exact.
    """

    def __init__(
        self, matmul: Matmul, packed: PackedLinear, inputs: int, outputs: int, activation: Activation = "none"
    ) -> None:
        self._matmul, self._packed, self._gelu = matmul, packed, activation == "gelu_tanh"
        self.inputs, self.outputs = inputs, outputs
        self._words = packed.panels.view(torch.int32)
        self._panel_count, self._depth, panel_width = packed.panels.shape
        self.columns = self._panel_count * panel_width

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
            bias=self._packed.bias,
            offsets=self._packed.offsets,
            output_scales=self._packed.scales,
            row_scales=scratch.row_scales,
            gelu=self._gelu,
            add=add,
        )
        return [self._matmul.pack.call(pack), self._matmul.multiply[tiling.tile_rows].call(multiply)]

    def __call__(self, x: Tensor, norm: Norm = NO_NORM, room: Room | None = None) -> Tensor:
        """[rows, in] → [rows, out], both float32; ValueError if ``x`` is not as wide as the weights.

        The outputs are in ``room``, if there is one.
        """
        if x.size(1) != self.inputs:
            raise ValueError(f"a row of {x.size(1)} numbers for a layer of {self.inputs}")
        tiling = self._matmul.tiling(x.size(0))
        rows, out = tiling.matrix(round_up(self.inputs, LANES)), (room or Room()).matrix(tiling, self.columns)
        rows[: x.size(0), : self.inputs] = x
        scratch = Scratch(tiling, self.inputs)
        self._matmul.kernels.run(*self.calls(tiling, rows, out, scratch, norm=norm))
        return out[: x.size(0), : self.outputs]

    def weights(self, outputs: Tensor) -> Tensor:
        """The rows ``outputs`` of the weight: [outputs, in], float32. Not for int8."""
        return self._matmul.layout.weights(self._packed.panels, outputs, self.inputs)
