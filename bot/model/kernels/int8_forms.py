"""Forms of int8. Their sums are integers, so it makes no difference how they come about.

Weights are signed bytes from -127 to 127, and so are the numbers of a row: no form below meets a number
that its instructions would cut off.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from llvmlite import ir

from bot.model.kernels.builder import BYTE, INDEX, INT, INTS, LANES, SHORT
from bot.model.kernels.form import Form, Kernel


def _shuffled(kernel: Kernel, a: ir.Value, b: ir.Value, lanes: Sequence[int]) -> ir.Value:
    """The ``lanes`` of two vectors of the same type, counted through both."""
    return kernel.ir.shuffle_vector(a, b, ir.Constant(_ints(len(lanes)), list(lanes)))


def _parts(kernel: Kernel, vector: ir.Value, lanes: int) -> list[ir.Value]:
    """A vector cut into vectors of ``lanes`` lanes."""
    firsts = range(0, vector.type.count, lanes)
    return [_shuffled(kernel, vector, vector, range(first, first + lanes)) for first in firsts]


def _joined(kernel: Kernel, parts: Sequence[ir.Value]) -> ir.Value:
    """The lanes of 2ⁿ vectors, one vector after the other."""
    while len(parts) > 1:
        lanes = range(2 * parts[0].type.count)
        pairs = zip(parts[::2], parts[1::2], strict=True)
        parts = [_shuffled(kernel, a, b, lanes) for a, b in pairs]
    return parts[0]


def _bytes(count: int) -> ir.VectorType:
    return ir.VectorType(BYTE, count)


def _shorts(count: int) -> ir.VectorType:
    return ir.VectorType(SHORT, count)


def _ints(count: int) -> ir.VectorType:
    return ir.VectorType(INT, count)


class _Quads(Form):
    """Words of four bytes, multiplied ``lanes`` outputs at a time."""

    inputs, weight_bytes = 4, 1
    lanes: ClassVar[int]

    def weights(self, kernel: Kernel, panel: ir.Value, word: ir.Value) -> Sequence[ir.Value]:
        return [kernel.ir.bitcast(kernel.load(INTS, panel, word), _bytes(4 * LANES))]

    def row(self, kernel: Kernel, tile: ir.Value, word: ir.Value, rows: int) -> Sequence[ir.Value]:
        quad = kernel.broadcast(kernel.load(INT, tile, word), self.lanes)
        return [kernel.ir.bitcast(quad, _bytes(4 * self.lanes))]

    def add(self, kernel: Kernel, sums: ir.Value, row: ir.Value, weights: ir.Value) -> ir.Value:
        parts = zip(_parts(kernel, sums, self.lanes), _parts(kernel, weights, 4 * self.lanes), strict=True)
        return _joined(kernel, [self.add_part(kernel, own, row, quads) for own, quads in parts])

    @abstractmethod
    def add_part(self, kernel: Kernel, sums: ir.Value, row: ir.Value, weights: ir.Value) -> ir.Value:
        """``add`` for ``lanes`` outputs."""


class _Dots(_Quads):
    """Dot products of words of four bytes by one ``instruction``."""

    instruction: ClassVar[str]

    def add_part(self, kernel: Kernel, sums: ir.Value, row: ir.Value, weights: ir.Value) -> ir.Value:
        return kernel.call(self.instruction, _ints(self.lanes), sums, row, weights)


class DotUnsigned512(_Dots):
    """AVX512_VNNI's, of unsigned bytes and signed ones."""

    needs, lanes, row_numbers = ("avx512vnni",), 16, "unsigned"
    instruction = "llvm.x86.avx512.vpdpbusd.512"


class DotUnsigned256(_Dots):
    """The same of half the width, by AVX-VNNI."""

    needs, lanes, row_numbers = ("avxvnni",), 8, "unsigned"
    instruction = "llvm.x86.avx512.vpdpbusd.256"


class DotSigned(_Dots):
    """ARM's, of signed bytes."""

    needs, lanes, row_numbers = ("dotprod",), 4, "signed"
    instruction = "llvm.aarch64.neon.sdot.v4i32.v16i8"


class MultiplyLong(_Quads):
    """ARM's products of 16 bits. The sum of two fits into 16 bits as well: it is at most 2 · 127²."""

    needs, lanes, row_numbers = ("neon",), 4, "signed"

    def add_part(self, kernel: Kernel, sums: ir.Value, row: ir.Value, weights: ir.Value) -> ir.Value:
        b = kernel.ir
        products = b.mul(b.sext(row, _shorts(16)), b.sext(weights, _shorts(16)))
        pairs = kernel.call("llvm.aarch64.neon.addp.v8i16", _shorts(8), *_parts(kernel, products, 8))
        return b.add(sums, kernel.call("llvm.aarch64.neon.saddlp.v4i32.v8i16", _ints(4), pairs))


class Matrices(Form):
    """ARM's products of matrices: two rows of eight bytes by two outputs of eight."""

    needs, inputs, weight_bytes, row_numbers, together = ("i8mm",), 8, 1, "signed", 2

    def begin(self, kernel: Kernel, start: ir.Value) -> ir.Value:
        # Both rows' sums of the first two outputs, then of the next two.
        lanes = [lane for pair in range(0, LANES, 2) for _ in range(2) for lane in (pair, pair + 1)]
        return _shuffled(kernel, start, start, lanes)

    def weights(self, kernel: Kernel, panel: ir.Value, word: ir.Value) -> Sequence[ir.Value]:
        words = kernel.load(ir.VectorType(INDEX, LANES), panel, word)
        return [kernel.ir.bitcast(words, _bytes(8 * LANES))]

    def row(self, kernel: Kernel, tile: ir.Value, word: ir.Value, rows: int) -> Sequence[ir.Value]:
        b, kind = kernel.ir, ir.VectorType(INDEX, 2)
        if rows == 2:
            words = kernel.load(kind, tile, word)
        else:
            words = b.insert_element(
                ir.Constant(kind, [0, 0]), kernel.load(INDEX, tile, word), ir.Constant(INT, 0)
            )
        return [b.bitcast(words, _bytes(16))]

    def add(self, kernel: Kernel, sums: ir.Value, row: ir.Value, weights: ir.Value) -> ir.Value:
        name = "llvm.aarch64.neon.smmla.v4i32.v16i8"
        parts = zip(_parts(kernel, sums, 4), _parts(kernel, weights, 16), strict=True)
        return _joined(kernel, [kernel.call(name, _ints(4), own, row, words) for own, words in parts])

    def results(self, kernel: Kernel, sums: ir.Value) -> Sequence[ir.Value]:
        firsts = range(0, 2 * LANES, 4)
        return [
            _shuffled(kernel, sums, sums, [first + row + n for first in firsts for n in range(2)])
            for row in (0, 2)
        ]


class Pairs(Form):
    """Words of two numbers, widened to 16 bits: weights in registers, rows when they are packed.

    LLVM makes of it what the processor has.
    """

    inputs, weight_bytes, row_numbers = 2, 1, "short"

    def weights(self, kernel: Kernel, panel: ir.Value, word: ir.Value) -> Sequence[ir.Value]:
        pairs = kernel.load(_bytes(2 * LANES), panel, kernel.ir.mul(word, kernel.index(2)))
        return [kernel.ir.sext(pairs, _shorts(2 * LANES))]

    def row(self, kernel: Kernel, tile: ir.Value, word: ir.Value, rows: int) -> Sequence[ir.Value]:
        pair = kernel.broadcast(kernel.load(INT, tile, word))
        return [kernel.ir.bitcast(pair, _shorts(2 * LANES))]

    def add(self, kernel: Kernel, sums: ir.Value, row: ir.Value, weights: ir.Value) -> ir.Value:
        b = kernel.ir
        products = b.mul(b.sext(row, _ints(2 * LANES)), b.sext(weights, _ints(2 * LANES)))
        first, second = (_shuffled(kernel, products, products, range(n, 2 * LANES, 2)) for n in range(2))
        return b.add(sums, b.add(first, second))


class PairSums(Pairs):
    """The same by x86-64's instruction for it, ``lanes`` outputs at a time."""

    lanes: ClassVar[int]
    instruction: ClassVar[str]

    def add(self, kernel: Kernel, sums: ir.Value, row: ir.Value, weights: ir.Value) -> ir.Value:
        words = zip(_parts(kernel, row, 2 * self.lanes), _parts(kernel, weights, 2 * self.lanes), strict=True)
        added = [kernel.call(self.instruction, _ints(self.lanes), own, pairs) for own, pairs in words]
        return kernel.ir.add(sums, _joined(kernel, added))


class PairSums512(PairSums):
    needs, lanes, instruction = ("avx512bw",), 16, "llvm.x86.avx512.pmaddw.d.512"


class PairSums256(PairSums):
    needs, lanes, instruction = ("avx2",), 8, "llvm.x86.avx2.pmadd.wd"


class PairSums128(PairSums):
    needs, lanes, instruction = ("sse2",), 4, "llvm.x86.sse2.pmadd.wd"
