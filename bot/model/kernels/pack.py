"""Rows of float32 → what a product takes, after layer normalization or as they are.

Normalized are (x - mean) / √(variance + epsilon) · weight + shift (Ba et al. 2016,
https://arxiv.org/abs/1607.06450). A row's sums are ``LANES`` chains over its vectors,
added up in order.

For products of bytes each row has a step of its own: its largest number without sign
over 127. A byte is the number of steps, rounded to the nearest, plus 128: 0 is 128,
and nothing falls outside of a byte.
"""

from __future__ import annotations

from llvmlite import ir

from bot.model.kernels.builder import BYTE, FLOAT, FLOATS, HALF_FLOATS, INT, INTS, LANES, Code, Variable
from bot.model.kernels.matmul import Kind

NAME = "prepare"
LARGEST = 127
ZERO = 128

# Of a row of zeros, so that nothing is divided by 0.
_SMALLEST_STEP = 1e-38

#: What the function takes: counts, and the addresses of ``x`` [rows, ``stride``], of which
#: ``width`` numbers and the zeros that fill up a vector are taken; of ``tiles``
#: [tiles, ``depth`` words of a row, ``size`` rows of a tile] and, for bytes, ``steps`` [rows];
#: of ``space`` for one such row of numbers and zeros for each thread; of ``weight`` and
#: ``shift`` [width, filled up with zeros], both 0 if nothing is to be normalized. ``epsilon``
#: is the bits of a float32.
ARGUMENTS = (
    *("x", "tiles", "steps", "space", "rows", "width", "stride"),
    *("depth", "size", "weight", "shift", "epsilon"),
)


def write_prepare(module: ir.Module, kind: Kind) -> None:
    """Add the function to ``module``."""
    _Prepare(module, kind).write()


class _Prepare:
    def __init__(self, module: ir.Module, kind: Kind) -> None:
        self._kind = kind
        self._code = code = Code(module, NAME, len(ARGUMENTS))
        b = code.builder
        self._number = dict(zip(ARGUMENTS, code.arguments, strict=True))
        width, lanes = self._number["width"], code.word(LANES)
        self._whole = b.mul(b.sdiv(b.add(width, code.word(LANES - 1)), lanes), lanes)
        self._count = b.sitofp(width, FLOAT)
        self._epsilon = b.bitcast(b.trunc(self._number["epsilon"], INT), FLOAT)
        self._row = code.own(ARGUMENTS.index("space"), FLOAT, self._whole)

    def write(self) -> None:
        code, b, number = self._code, self._code.builder, self._number
        with code.shared_loop(number["rows"]) as row:
            source = code.at(self._pointer("x"), FLOAT, b.mul(row, number["stride"]))
            with b.if_else(b.icmp_signed("!=", number["weight"], code.word(0))) as (normalized, as_it_is):
                with normalized:
                    self._normalize(source)
                with as_it_is, code.loop(self._whole, LANES) as n:
                    code.store(code.load(FLOATS, source, n), self._row, n)
            tile, within = b.sdiv(row, number["size"]), b.srem(row, number["size"])
            place = b.add(b.mul(b.mul(tile, number["depth"]), number["size"]), within)
            {"float32": self._float32, "bfloat16": self._bfloat16, "int8": self._int8}[self._kind](place, row)
        code.finish()

    def _normalize(self, source: ir.Value) -> None:
        code, b = self._code, self._code.builder
        total, squares = Variable(code, code.floats(0.0)), Variable(code, code.floats(0.0))
        with code.loop(self._whole, LANES) as n:
            total.set(b.fadd(total.get(), code.load(FLOATS, source, n)))
        mean = code.spread(b.fdiv(code.sum(total.get()), self._count))
        width = code.spread(b.trunc(self._number["width"], INT))
        with code.loop(self._whole, LANES) as n:
            lanes = b.add(code.spread(b.trunc(n, INT)), code.ints(range(LANES)))
            apart = b.fsub(code.load(FLOATS, source, n), mean)
            apart = b.select(b.icmp_signed("<", lanes, width), apart, code.floats(0.0))
            code.store(apart, self._row, n)
            squares.set(code.fma(apart, apart, squares.get()))
        variance = b.fadd(b.fdiv(code.sum(squares.get()), self._count), self._epsilon)
        root = code.call("llvm.sqrt.f32", FLOAT, variance)
        scale = code.spread(b.fdiv(code.number(1.0), root))
        with code.loop(self._whole, LANES) as n:
            unit = b.fmul(code.load(FLOATS, self._row, n), scale)
            weight, shift = (code.load(FLOATS, self._pointer(name), n) for name in ("weight", "shift"))
            code.store(code.fma(unit, weight, shift), self._row, n)

    def _float32(self, place: ir.Value, row: ir.Value) -> None:
        code, b, size, tiles = self._code, self._code.builder, self._number["size"], self._pointer("tiles")
        with b.if_else(b.icmp_signed("==", size, code.word(1))) as (alone, beside_others):
            with alone, code.loop(self._whole, LANES) as n:
                code.store(code.load(FLOATS, self._row, n), tiles, b.add(place, n))
            with beside_others, code.loop(self._whole) as n:
                code.store(code.load(FLOAT, self._row, n), tiles, b.add(place, b.mul(n, size)))

    def _bfloat16(self, place: ir.Value, row: ir.Value) -> None:
        code, b = self._code, self._code.builder
        with code.loop(self._whole, LANES) as n:
            self._store_words(b.fptrunc(code.load(FLOATS, self._row, n), HALF_FLOATS), place, n, 2)

    def _int8(self, place: ir.Value, row: ir.Value) -> None:
        code, b = self._code, self._code.builder
        # As integers, the bits of numbers without sign are in the order of the numbers;
        # NaN comes last, so that a row with one stays one.
        largest = Variable(code, code.ints(0))
        with code.loop(self._whole, LANES) as n:
            size = b.and_(code.load(INTS, self._row, n), code.ints(0x7FFFFFFF))
            largest.set(code.call(f"llvm.umax.v{LANES}i32", INTS, largest.get(), size))
        most = b.bitcast(code.call(f"llvm.vector.reduce.umax.v{LANES}i32", INT, largest.get()), FLOAT)
        step = b.fdiv(most, code.number(LARGEST))
        small = b.fcmp_ordered("<", step, code.number(_SMALLEST_STEP))
        step = b.select(small, code.number(_SMALLEST_STEP), step)
        code.store(step, self._pointer("steps"), row)
        steps_in_one = code.spread(b.fdiv(code.number(1.0), step))
        with code.loop(self._whole, LANES) as n:
            _, steps = code.nearest(code.load(FLOATS, self._row, n), steps_in_one, ZERO)
            self._store_words(b.trunc(steps, ir.VectorType(BYTE, LANES)), place, n, 4)

    def _store_words(self, numbers: ir.Value, place: ir.Value, first: ir.Value, numbers_a_word: int) -> None:
        """Store ``LANES`` numbers, the row's from ``first`` on, where its words are in a tile."""
        code, b = self._code, self._code.builder
        count = LANES // numbers_a_word
        words = b.bitcast(numbers, ir.VectorType(INT, count))
        word = b.sdiv(first, code.word(numbers_a_word))
        for n in range(count):
            at = b.add(place, b.mul(b.add(word, code.word(n)), self._number["size"]))
            code.store(b.extract_element(words, ir.Constant(INT, n)), self._pointer("tiles"), at)

    def _pointer(self, name: str) -> ir.Value:
        return self._code.pointer(ARGUMENTS.index(name))
