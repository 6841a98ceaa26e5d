"""The product of rows and packed weights.

A *word* is 32 bits of a row or a weight: one float32, two bfloat16 or four bytes. Weights
[out, in] are packed into panels: [panels, words of a row, outputs of a panel], with zeros where there
is no output. Rows are packed into tiles: [tiles, words of a row, rows of a tile]. A thread takes one
panel after the other, reads it once, in the order in which it lies in memory, and keeps the sums of
a tile in registers: the inner loop of BLIS (Van Zee and van de Geijn 2015,
https://dl.acm.org/doi/10.1145/2764454).

An output is one chain of operations: it begins with the bias and takes the inputs in their order
(for int8 it begins with the output's offset, and the bias comes last). The chain is the same for every
row, however many rows there are and whichever thread computes them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from llvmlite import ir

from bot.model.kernels.arguments import Arguments, Float32s, Int32s, Signature
from bot.model.kernels.builder import (
    BFLOATS,
    BYTES,
    FLOAT,
    FLOATS,
    INT,
    INTS,
    LANES,
    KernelBuilder,
    KernelModule,
    Variable,
)
from bot.model.kernels.jit import Processor
from bot.model.model_info import Precision

# How many bytes ahead weights are prefetched. A processor prefetches by itself, but not
# beyond the end of a page of memory.
_AHEAD = 8192


@dataclass(kw_only=True)
class MatmulArguments(Arguments):
    """Columns are the outputs of all panels. ``offsets`` and the scales are only read for int8."""

    tiles: Int32s
    panels: Int32s
    out: Float32s  # [rows of all tiles, stride]
    depth: int  # words in a row
    tile_count: int
    panel_count: int
    stride: int
    bias: Float32s  # [columns]
    offsets: Int32s  # [columns]: what an output's sum begins with
    output_scales: Float32s  # [columns]
    row_scales: Float32s  # [rows of all tiles]
    gelu: bool  # apply GELU to the outputs
    add: bool  # add the outputs to what ``out`` holds


def matmul_signature(rows: int) -> Signature[MatmulArguments]:
    """The kernel for tiles of ``rows`` rows."""
    return Signature(f"matmul_{rows}", MatmulArguments)


def tile_sizes(processor: Processor) -> tuple[int, ...]:
    """The kernels' sizes of a tile in rows, ascending.

    Not every size: reading the weights takes longer than multiplying a few rows of zeros,
    and each kernel takes time to compile.
    """
    return tuple(sorted({processor.rows, *(size for size in (1, 2, 4, 8) if size < processor.rows)}))


def write_matmuls(module: KernelModule, precision: Precision, processor: Processor) -> None:
    """Add a kernel for each of the ``tile_sizes`` to ``module``."""
    for rows in tile_sizes(processor):
        _Matmul(module, precision, rows, processor.vectors).write()


class _Matmul:
    def __init__(self, module: KernelModule, precision: Precision, rows: int, vectors: int) -> None:
        self._precision, self._rows, self._vectors = precision, rows, vectors
        self._kernel = kernel = KernelBuilder(module, matmul_signature(rows))
        self._args = kernel.arguments
        self._width = vectors * LANES

    def write(self) -> None:
        kernel, b, args = self._kernel, self._kernel.ir, self._args
        with kernel.shared_loop(args.panel_count) as panel:
            first = b.mul(panel, kernel.index(self._width))
            panel_words = kernel.at(args.panels, INT, b.mul(first, args.depth))
            with kernel.loop(args.tile_count) as tile:
                row = b.mul(tile, kernel.index(self._rows))
                tile_words = kernel.at(args.tiles, INT, b.mul(row, args.depth))
                sums = self._sums(panel_words, tile_words, first)
                with b.if_else(args.add) as (add, put):
                    with add:
                        self._store(sums, row, first, add=True)
                    with put:
                        self._store(sums, row, first, add=False)
                with b.if_then(args.gelu):
                    self._activate(row, first)
        kernel.finish()

    def _sums(self, panel: ir.Value, tile: ir.Value, first: ir.Value) -> list[list[Variable]]:
        """Return the sums [rows][vectors] of a tile and the panel whose first output is ``first``."""
        kernel, b, args = self._kernel, self._kernel.ir, self._args
        kind, start = (INTS, args.offsets) if self._precision == "int8" else (FLOATS, args.bias)
        begin = [kernel.load(kind, start, self._offset(first, v)) for v in range(self._vectors)]
        sums = [[Variable(kernel, value) for value in begin] for _ in range(self._rows)]
        add = self._multiply_and_add()
        with kernel.loop(args.depth) as word:
            place = b.mul(word, kernel.index(self._width))
            vectors = []
            for v in range(self._vectors):
                vectors.append(kernel.load(INTS, panel, self._offset(place, v)))
                kernel.prefetch(panel, self._offset(b.add(place, kernel.index(_AHEAD // 4)), v))
            for n, own in enumerate(sums):
                at = b.add(b.mul(word, kernel.index(self._rows)), kernel.index(n))
                row = kernel.broadcast(kernel.load(INT, tile, at))
                for total, vector in zip(own, vectors, strict=True):
                    total.set(add(total.get(), row, vector))
        return sums

    def _store(
        self, sums: Sequence[Sequence[Variable]], row: ir.Value, first: ir.Value, *, add: bool
    ) -> None:
        """Store the outputs of the tile that begins with ``row``."""
        kernel, b, out = self._kernel, self._kernel.ir, self._args.out
        for n, own in enumerate(sums):
            this = b.add(row, kernel.index(n))
            start = b.add(b.mul(this, self._args.stride), first)
            for v, value in enumerate(own):
                result = self._result(value.get(), this, self._offset(first, v))
                place = self._offset(start, v)
                if add:
                    result = b.fadd(kernel.load(FLOATS, out, place), result)
                kernel.store(result, out, place)

    def _multiply_and_add(self) -> Callable[[ir.Value, ir.Value, ir.Value], ir.Value]:
        """Return what takes (sums, words of a row, words of weights) to sums."""
        kernel, cast = self._kernel, self._kernel.ir.bitcast
        if self._precision == "float32":
            return lambda sums, row, weights: kernel.fma(cast(row, FLOATS), cast(weights, FLOATS), sums)
        name, parts, result = {
            "bfloat16": ("llvm.x86.avx512bf16.dpbf16ps.512", BFLOATS, FLOATS),
            "int8": ("llvm.x86.avx512.vpdpbusd.512", BYTES, INTS),
        }[self._precision]
        return lambda sums, row, weights: kernel.call(
            name, result, sums, cast(row, parts), cast(weights, parts)
        )

    def _result(self, total: ir.Value, row: ir.Value, column: ir.Value) -> ir.Value:
        """Return the outputs of ``row`` from ``column`` on, given their sums."""
        kernel, b = self._kernel, self._kernel.ir
        if self._precision == "int8":
            scale = kernel.load(FLOATS, self._args.output_scales, column)
            row_scale = kernel.broadcast(kernel.load(FLOAT, self._args.row_scales, row))
            bias = kernel.load(FLOATS, self._args.bias, column)
            total = kernel.fma(b.fmul(b.sitofp(total, FLOATS), scale), row_scale, bias)
        return total

    def _activate(self, row: ir.Value, first: ir.Value) -> None:
        """Apply GELU to the outputs of the tile that begins with ``row``."""
        kernel, b, out = self._kernel, self._kernel.ir, self._args.out
        with kernel.loop(kernel.index(self._rows)) as n:
            place = b.add(b.mul(b.add(row, n), self._args.stride), first)
            for v in range(self._vectors):
                here = self._offset(place, v)
                kernel.store(_gelu(kernel, kernel.load(FLOATS, out, here)), out, here)

    def _offset(self, place: ir.Value, vector: int) -> ir.Value:
        return self._kernel.ir.add(place, self._kernel.index(vector * LANES))


def _gelu(kernel: KernelBuilder[MatmulArguments], x: ir.Value) -> ir.Value:
    """GELU, approximated with tanh (Hendrycks and Gimpel 2016, https://arxiv.org/abs/1606.08415).

    (1 + tanh u) / 2 is 1 / (1 + e^(-2u)).
    """
    b = kernel.ir
    cubic = kernel.fma(b.fmul(x, x), kernel.floats(0.044715), kernel.floats(1.0))
    minus_2u = b.fmul(b.fmul(x, kernel.floats(-2 * math.sqrt(2 / math.pi))), cubic)
    return b.fdiv(x, b.fadd(kernel.floats(1.0), kernel.exp(minus_2u)))
