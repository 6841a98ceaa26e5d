"""The product of rows and packed weights.

A *word* is 32 bits of a row or a weight: one float32, two bfloat16 or four bytes.
Weights [out, in] are packed to panels: [panels, words of a row, outputs of a panel],
with zeros where there is no output. Rows are packed to tiles: [tiles, words of a
row, rows of a tile]. A thread takes one panel after the other, reads it from memory
once and in the order in which it lies there, and keeps the sums of a tile in
registers: the inner loop of BLIS (Van Zee and van de Geijn 2015,
https://dl.acm.org/doi/10.1145/2764454).

An output is one chain of operations, from the bias over the inputs in their order
(of bytes: from the output's offset, and the bias comes last). The chain is the same for every row,
however many there are and whichever thread it is that computes them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

from llvmlite import ir

from bot.model.kernels.builder import BFLOATS, BYTES, FLOAT, FLOATS, INT, INTS, LANES, Code, Variable
from bot.model.kernels.jit import Processor

Kind = Literal["float32", "bfloat16", "int8"]

# How many bytes ahead of the sums weights are asked for. A processor does so by
# itself, but not beyond the end of a page of memory.
_AHEAD = 8192

#: What a product's function takes: counts, and the addresses of
#: ``rows`` and ``weights``, packed as above; ``out`` [rows, ``stride``] of float32;
#: ``bias`` [outputs of the panels] of float32. For bytes, ``offsets`` has the integer
#: that each output's sum begins with, and ``scales`` and ``steps`` what an output and
#: a row are to be multiplied by. With ``gelu``, the outputs are its values; with ``add``, they are added
#: to what ``out`` holds.
ARGUMENTS = (
    *("rows", "weights", "out", "depth", "tiles", "panels", "stride"),
    *("bias", "offsets", "scales", "steps", "gelu", "add"),
)


def function_name(rows: int) -> str:
    """The function for tiles of ``rows`` rows."""
    return f"product_{rows}"


def tile_sizes(processor: Processor) -> tuple[int, ...]:
    """How many rows there can be in a tile, ascending.

    Not every number: reading the weights takes longer than multiplying a few rows
    of zeros, and each function takes its time to compile.
    """
    return tuple(sorted({processor.rows, *(size for size in (1, 2, 4, 8) if size < processor.rows)}))


def write_products(module: ir.Module, kind: Kind, processor: Processor) -> None:
    """Add a function for each of the ``tile_sizes`` to ``module``."""
    for rows in tile_sizes(processor):
        _Product(module, kind, rows, processor.vectors).write()


class _Product:
    def __init__(self, module: ir.Module, kind: Kind, rows: int, vectors: int) -> None:
        self._kind, self._rows, self._vectors = kind, rows, vectors
        self._code = code = Code(module, function_name(rows), len(ARGUMENTS))
        self._numbers = dict(zip(ARGUMENTS, code.arguments, strict=True))
        self._width = vectors * LANES

    def write(self) -> None:
        code, b, number = self._code, self._code.builder, self._numbers
        weights, rows = self._pointer("weights"), self._pointer("rows")
        with code.shared_loop(number["panels"]) as panel:
            first = b.mul(panel, code.word(self._width))
            panel_weights = code.at(weights, INT, b.mul(first, number["depth"]))
            with code.loop(number["tiles"]) as tile:
                row = b.mul(tile, code.word(self._rows))
                tile_rows = code.at(rows, INT, b.mul(row, number["depth"]))
                sums = self._sums(panel_weights, tile_rows, first)
                with b.if_else(b.icmp_signed("!=", number["add"], code.word(0))) as (add, put):
                    with add:
                        self._store(sums, row, first, add=True)
                    with put:
                        self._store(sums, row, first, add=False)
                with b.if_then(b.icmp_signed("!=", number["gelu"], code.word(0))):
                    self._activate(row, first)
        code.finish()

    def _sums(self, weights: ir.Value, rows: ir.Value, first: ir.Value) -> list[list[Variable]]:
        """The tile's sums [rows][vectors] for the panel whose first output is ``first``."""
        code, b = self._code, self._code.builder
        kind, start = (INTS, "offsets") if self._kind == "int8" else (FLOATS, "bias")
        begin = [code.load(kind, self._pointer(start), self._offset(first, v)) for v in range(self._vectors)]
        sums = [[Variable(code, value) for value in begin] for _ in range(self._rows)]
        add = self._multiply_and_add()
        with code.loop(self._numbers["depth"]) as word:
            place = b.mul(word, code.word(self._width))
            vectors = []
            for v in range(self._vectors):
                vectors.append(code.load(INTS, weights, self._offset(place, v)))
                code.prefetch(weights, self._offset(b.add(place, code.word(_AHEAD // 4)), v))
            for n, own in enumerate(sums):
                at = b.add(b.mul(word, code.word(self._rows)), code.word(n))
                row = code.spread(code.load(INT, rows, at))
                for total, vector in zip(own, vectors, strict=True):
                    total.set(add(total.get(), row, vector))
        return sums

    def _store(
        self, sums: Sequence[Sequence[Variable]], row: ir.Value, first: ir.Value, *, add: bool
    ) -> None:
        """Store the outputs of the tile that begins with ``row``."""
        code, b, out = self._code, self._code.builder, self._pointer("out")
        for n, own in enumerate(sums):
            this = b.add(row, code.word(n))
            start = b.add(b.mul(this, self._numbers["stride"]), first)
            for v, value in enumerate(own):
                result = self._result(value.get(), this, self._offset(first, v))
                place = self._offset(start, v)
                if add:
                    result = b.fadd(code.load(FLOATS, out, place), result)
                code.store(result, out, place)

    def _multiply_and_add(self) -> Callable[[ir.Value, ir.Value, ir.Value], ir.Value]:
        """(sums, words of a row, words of weights) → sums."""
        code, cast = self._code, self._code.builder.bitcast
        if self._kind == "float32":
            return lambda sums, row, weights: code.fma(cast(row, FLOATS), cast(weights, FLOATS), sums)
        name, parts, result = {
            "bfloat16": ("llvm.x86.avx512bf16.dpbf16ps.512", BFLOATS, FLOATS),
            "int8": ("llvm.x86.avx512.vpdpbusd.512", BYTES, INTS),
        }[self._kind]
        return lambda sums, row, weights: code.call(
            name, result, sums, cast(row, parts), cast(weights, parts)
        )

    def _result(self, total: ir.Value, row: ir.Value, column: ir.Value) -> ir.Value:
        """What the output is to be, from the sum for ``row`` and the outputs from ``column`` on."""
        code, b = self._code, self._code.builder
        if self._kind == "int8":
            scale = code.load(FLOATS, self._pointer("scales"), column)
            step = code.spread(code.load(FLOAT, self._pointer("steps"), row))
            bias = code.load(FLOATS, self._pointer("bias"), column)
            total = code.fma(b.fmul(b.sitofp(total, FLOATS), scale), step, bias)
        return total

    def _activate(self, row: ir.Value, first: ir.Value) -> None:
        """Replace the outputs of the tile that begins with ``row`` by their GELU."""
        code, b, out = self._code, self._code.builder, self._pointer("out")
        with code.loop(code.word(self._rows)) as n:
            place = b.add(b.mul(b.add(row, n), self._numbers["stride"]), first)
            for v in range(self._vectors):
                here = self._offset(place, v)
                code.store(_gelu(code, code.load(FLOATS, out, here)), out, here)

    def _pointer(self, name: str) -> ir.Value:
        return self._code.pointer(ARGUMENTS.index(name))

    def _offset(self, place: ir.Value, vector: int) -> ir.Value:
        return self._code.builder.add(place, self._code.word(vector * LANES))


def _gelu(code: Code, x: ir.Value) -> ir.Value:
    """GELU in its approximation by tanh (Hendrycks and Gimpel 2016, https://arxiv.org/abs/1606.08415).

    (1 + tanh u) / 2 is 1 / (1 + e^(-2u)).
    """
    b = code.builder
    cubic = code.fma(b.fmul(x, x), code.floats(0.044715), code.floats(1.0))
    minus_2u = b.fmul(b.fmul(x, code.floats(-2 * math.sqrt(2 / math.pi))), cubic)
    return b.fdiv(x, b.fadd(code.floats(1.0), code.exp(minus_2u)))
