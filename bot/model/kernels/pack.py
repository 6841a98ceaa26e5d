"""Packs rows of float32 into the tiles that a product takes, normalized first where asked.

Layer normalization is (x - mean) / √(variance + epsilon) · weight + shift (Ba et al. 2016,
https://arxiv.org/abs/1607.06450). A row's sums are ``LANES`` chains over its vectors, added up
in order.

For bfloat16, numbers are rounded to the nearest, and small ones to 0 (``float_forms`` says why).

For int8, each row has a scale of its own: its largest magnitude over ``LARGEST``. An integer is the number
over the scale, rounded to the nearest, plus the form's zero point: none falls outside a byte.
"""

from __future__ import annotations

from dataclasses import dataclass

from llvmlite import ir

from bot.model.kernels.arguments import Arguments, Float32s, Int32s, Signature
from bot.model.kernels.builder import (
    BYTE,
    FLOAT,
    FLOATS,
    INT,
    INTS,
    LANES,
    SHORT,
    KernelBuilder,
    KernelModule,
    Variable,
)
from bot.model.kernels.float_forms import SMALLEST
from bot.model.kernels.form import Form
from bot.model.kernels.forms import form_of
from bot.model.kernels.functions import bfloat16, halved, nearest
from bot.model.kernels.processor import Processor
from bot.model.model_info import Precision

LARGEST = 127

# The scale of a row of zeros, so that nothing is divided by 0.
_SMALLEST_SCALE = 1e-38


@dataclass(kw_only=True)
class PackArguments(Arguments):
    """``padded width`` is the width, rounded up to whole vectors."""

    x: Float32s  # [row_count, stride], each row begins with [padded width], padded with zeros
    tiles: Int32s  # room for words of the form: [tiles, depth, tile_rows]
    row_scales: Float32s  # [row_count], written for int8
    scratch: Float32s  # [threads, padded width]
    row_count: int
    width: int
    stride: int
    depth: int  # words in a row
    tile_rows: int
    normalize: bool
    weight: Float32s  # [padded width], padded with zeros; not read unless ``normalize``
    shift: Float32s  # the same
    epsilon: float


PACK = Signature("pack", PackArguments)


def write_pack(module: KernelModule, precision: Precision, processor: Processor) -> None:
    """Add ``PACK`` to ``module``."""
    _Pack(module, form_of(precision, processor)).write()


class _Pack:
    def __init__(self, module: KernelModule, form: Form) -> None:
        self._form = form
        self._kernel = kernel = KernelBuilder(module, PACK)
        self._args = args = kernel.arguments
        b, lanes = kernel.ir, kernel.index(LANES)
        self._padded = b.mul(b.sdiv(b.add(args.width, kernel.index(LANES - 1)), lanes), lanes)
        self._count = b.sitofp(args.width, FLOAT)
        self._row = kernel.per_thread(args.scratch, FLOAT, self._padded)

    def write(self) -> None:
        kernel, b, args = self._kernel, self._kernel.ir, self._args
        with kernel.shared_loop(args.row_count) as row:
            source = kernel.at(args.x, FLOAT, b.mul(row, args.stride))
            with b.if_else(args.normalize) as (normalized, as_it_is):
                with normalized:
                    self._normalize(source)
                with as_it_is, kernel.loop(self._padded, LANES) as n:
                    kernel.store(kernel.load(FLOATS, source, n), self._row, n)
            tile, within = b.sdiv(row, args.tile_rows), b.srem(row, args.tile_rows)
            place = b.add(b.mul(b.mul(tile, args.depth), args.tile_rows), within)
            match self._form.row_numbers:
                case "float32":
                    self._float32(place)
                case "bfloat16" | "rounded":
                    self._bfloat16(place)
                case "unsigned" | "signed" | "short":
                    self._integers(place, self._row_scale(row))
        kernel.finish()

    def _normalize(self, source: ir.Value) -> None:
        kernel, b, args = self._kernel, self._kernel.ir, self._args
        total, squares = Variable(kernel, kernel.floats(0.0)), Variable(kernel, kernel.floats(0.0))
        with kernel.loop(self._padded, LANES) as n:
            total.set(b.fadd(total.get(), kernel.load(FLOATS, source, n)))
        mean = kernel.broadcast(b.fdiv(kernel.sum(total.get()), self._count))
        width = kernel.broadcast(b.trunc(args.width, INT))
        with kernel.loop(self._padded, LANES) as n:
            lanes = b.add(kernel.broadcast(b.trunc(n, INT)), kernel.ints(range(LANES)))
            apart = b.fsub(kernel.load(FLOATS, source, n), mean)
            apart = b.select(b.icmp_signed("<", lanes, width), apart, kernel.floats(0.0))
            kernel.store(apart, self._row, n)
            squares.set(kernel.fma(apart, apart, squares.get()))
        variance = b.fadd(b.fdiv(kernel.sum(squares.get()), self._count), args.epsilon)
        root = kernel.call("llvm.sqrt.f32", FLOAT, variance)
        scale = kernel.broadcast(b.fdiv(kernel.scalar(1.0), root))
        with kernel.loop(self._padded, LANES) as n:
            unit = b.fmul(kernel.load(FLOATS, self._row, n), scale)
            weight, shift = (kernel.load(FLOATS, array, n) for array in (args.weight, args.shift))
            kernel.store(kernel.fma(unit, weight, shift), self._row, n)

    def _float32(self, place: ir.Value) -> None:
        kernel, b, size, tiles = self._kernel, self._kernel.ir, self._args.tile_rows, self._args.tiles
        with b.if_else(b.icmp_signed("==", size, kernel.index(1))) as (alone, beside_others):
            with alone, kernel.loop(self._padded, LANES) as n:
                kernel.store(kernel.load(FLOATS, self._row, n), tiles, b.add(place, n))
            with beside_others, kernel.loop(self._padded) as n:
                kernel.store(kernel.load(FLOAT, self._row, n), tiles, b.add(place, b.mul(n, size)))

    def _bfloat16(self, place: ir.Value) -> None:
        kernel, b = self._kernel, self._kernel.ir
        with kernel.loop(self._padded, LANES) as n:
            rounded = bfloat16(kernel, kernel.load(FLOATS, self._row, n))
            magnitude = kernel.call(f"llvm.fabs.v{LANES}f32", FLOATS, rounded)
            small = b.fcmp_ordered("<=", magnitude, kernel.floats(SMALLEST))
            rounded = b.select(small, kernel.floats(0.0), rounded)
            if self._form.row_numbers == "bfloat16":
                rounded = halved(kernel, rounded)
            self._store_words(rounded, place, n)

    def _row_scale(self, row: ir.Value) -> ir.Value:
        """Compute and store the scale of ``row``."""
        kernel, b = self._kernel, self._kernel.ir
        # The bits of magnitudes, read as integers, are in the order of the magnitudes, and NaN comes
        # last: the scale of a row with a NaN is NaN.
        largest = Variable(kernel, kernel.ints(0))
        with kernel.loop(self._padded, LANES) as n:
            magnitude = b.and_(kernel.load(INTS, self._row, n), kernel.ints(0x7FFFFFFF))
            largest.set(kernel.call(f"llvm.umax.v{LANES}i32", INTS, largest.get(), magnitude))
        most = b.bitcast(kernel.call(f"llvm.vector.reduce.umax.v{LANES}i32", INT, largest.get()), FLOAT)
        scale = b.fdiv(most, kernel.scalar(LARGEST))
        small = b.fcmp_ordered("<", scale, kernel.scalar(_SMALLEST_SCALE))
        scale = b.select(small, kernel.scalar(_SMALLEST_SCALE), scale)
        kernel.store(scale, self._args.row_scales, row)
        return scale

    def _integers(self, place: ir.Value, scale: ir.Value) -> None:
        kernel, b = self._kernel, self._kernel.ir
        inverse = kernel.broadcast(b.fdiv(kernel.scalar(1.0), scale))
        kind = SHORT if self._form.row_numbers == "short" else BYTE
        with kernel.loop(self._padded, LANES) as n:
            number = kernel.load(FLOATS, self._row, n)
            _, integers = nearest(kernel, number, inverse, self._form.zero_point)
            self._store_words(b.trunc(integers, ir.VectorType(kind, LANES)), place, n)

    def _store_words(self, numbers: ir.Value, place: ir.Value, first: ir.Value) -> None:
        """Store the row's ``LANES`` numbers from ``first`` on among its words, which begin at ``place``."""
        kernel, b, inputs = self._kernel, self._kernel.ir, self._form.inputs
        words = b.bitcast(numbers, ir.VectorType(ir.IntType(8 * self._form.row_word_bytes), LANES // inputs))
        word = b.sdiv(first, kernel.index(inputs))
        for n in range(LANES // inputs):
            at = b.add(place, b.mul(b.add(word, kernel.index(n)), self._args.tile_rows))
            kernel.store(b.extract_element(words, ir.Constant(INT, n)), self._args.tiles, at)
