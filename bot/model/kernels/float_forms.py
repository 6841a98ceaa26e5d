"""Forms of float32 and bfloat16: one chain of fused multiply-adds for each output.

Every form of bfloat16 adds the second number of a pair before the first, as AVX512_BF16's dot products do.
These also take every number below 2^-126 for 0, whether they find it or make it; the other forms need not
do so, because there is none. Rows, weights and biases are packed with 0 for whatever is at most ``SMALLEST``
in magnitude. Larger bfloat16, which have eight binary digits, are multiples of 2^-55, and their products of
2^-110. So is every sum.
"""

from __future__ import annotations

from collections.abc import Sequence

from llvmlite import ir

from bot.model.kernels.builder import BFLOATS, FLOAT, FLOATS, INT, INTS
from bot.model.kernels.form import Form, Kernel

SMALLEST = 2.0**-48


class Fused(Form):
    """float32."""

    inputs, weight_bytes, row_numbers = 1, 4, "float32"

    def weights(self, kernel: Kernel, panel: ir.Value, word: ir.Value) -> Sequence[ir.Value]:
        return [kernel.load(FLOATS, panel, word)]

    def row(self, kernel: Kernel, tile: ir.Value, word: ir.Value, rows: int) -> Sequence[ir.Value]:
        return [kernel.broadcast(kernel.load(FLOAT, tile, word))]

    def add(self, kernel: Kernel, sums: ir.Value, row: ir.Value, weights: ir.Value) -> ir.Value:
        return kernel.fma(row, weights, sums)


class BFloat16Pairs(Form):
    """bfloat16 by AVX512_BF16's dot products of pairs."""

    needs = ("avx512bf16",)
    inputs, weight_bytes, row_numbers = 2, 2, "bfloat16"

    def weights(self, kernel: Kernel, panel: ir.Value, word: ir.Value) -> Sequence[ir.Value]:
        return [kernel.ir.bitcast(kernel.load(INTS, panel, word), BFLOATS)]

    def row(self, kernel: Kernel, tile: ir.Value, word: ir.Value, rows: int) -> Sequence[ir.Value]:
        return [kernel.ir.bitcast(kernel.broadcast(kernel.load(INT, tile, word)), BFLOATS)]

    def add(self, kernel: Kernel, sums: ir.Value, row: ir.Value, weights: ir.Value) -> ir.Value:
        return kernel.call("llvm.x86.avx512bf16.dpbf16ps.512", FLOATS, sums, row, weights)


class Widened(Form):
    """bfloat16 as float32: weights are widened in registers, rows when they are packed."""

    inputs, weight_bytes, row_numbers = 2, 2, "rounded"

    def weights(self, kernel: Kernel, panel: ir.Value, word: ir.Value) -> Sequence[ir.Value]:
        b, pairs = kernel.ir, kernel.load(INTS, panel, word)
        halves = b.and_(pairs, kernel.ints(0xFFFF0000)), b.shl(pairs, kernel.ints(16))
        return [b.bitcast(half, FLOATS) for half in halves]

    def row(self, kernel: Kernel, tile: ir.Value, word: ir.Value, rows: int) -> Sequence[ir.Value]:
        b, first = kernel.ir, kernel.ir.mul(word, kernel.index(2))
        numbers = [kernel.load(FLOAT, tile, b.add(first, kernel.index(n))) for n in (1, 0)]
        return [kernel.broadcast(number) for number in numbers]

    def add(self, kernel: Kernel, sums: ir.Value, row: ir.Value, weights: ir.Value) -> ir.Value:
        return kernel.fma(row, weights, sums)
