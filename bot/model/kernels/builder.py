"""Writing LLVM's instructions: loops, variables, vectors.

Nothing here allows LLVM to reorder sums, so what is written is what is computed.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from llvmlite import ir

#: Numbers in a vector. A processor with shorter ones takes several for one of these.
LANES = 16

WORD = ir.IntType(64)
INT = ir.IntType(32)
BYTE = ir.IntType(8)
FLOAT = ir.FloatType()
POINTER = ir.PointerType()
INTS = ir.VectorType(INT, LANES)
FLOATS = ir.VectorType(FLOAT, LANES)

# Up to this the power of two in exp is an ordinary float32; below its negative, exp is taken to be 0.
_LARGEST_EXPONENT = 87.3

# From here on float32 has integers only.
_NO_FRACTIONS = 1.5 * 2**23

# exp(r) = 1 + r + r²·p(r) for |r| ≤ ln 2 / 2: the coefficients of Cephes' expf
# (https://www.netlib.org/cephes/), highest power first.
_EXP = (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1)
# ln 2 in two parts, the first of which has few digits: their products are exact.
_LN_2 = (0.693359375, -2.12194440e-4)


class _BFloat16(ir.Type):  # type: ignore[misc]
    """llvmlite does not know this one."""

    def _to_string(self) -> str:
        return "bfloat"


#: The same bits as INTS, taken as shorter numbers.
BFLOATS = ir.VectorType(_BFloat16(), 2 * LANES)
HALF_FLOATS = ir.VectorType(_BFloat16(), LANES)
BYTES = ir.VectorType(BYTE, 4 * LANES)


class Variable:
    """A value that changes, such as a sum."""

    def __init__(self, code: Code, value: ir.Value) -> None:
        self._builder = code.builder
        with self._builder.goto_entry_block():
            self._place = self._builder.alloca(value.type)
        self.set(value)

    def get(self) -> ir.Value:
        return self._builder.load(self._place, typ=self._place.allocated_type)

    def set(self, value: ir.Value) -> None:
        self._builder.store(value, self._place)


class Code:
    """The function ``name`` of so many ``arguments``, which is being written.

    It takes a pointer to 64-bit words: how many threads have begun, how many there
    are, the arguments, and for each thread how much of its share has been taken.
    """

    def __init__(self, module: ir.Module, name: str, arguments: int) -> None:
        self._module = module
        self._function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER]), name)
        self.builder = ir.IRBuilder(self._function.append_basic_block())
        self._words = self._function.args[0]
        _, self._threads, *self.arguments = (
            self.load(WORD, self._words, self.word(n)) for n in range(2 + arguments)
        )
        #: The number of the thread that runs the function, from 0.
        self.thread = self.builder.atomic_rmw("add", self._words, self.word(1), "monotonic")

    def pointer(self, argument: int) -> ir.Value:
        """Argument number ``argument``, which is an address."""
        return self.builder.inttoptr(self.arguments[argument], POINTER)

    @staticmethod
    def word(value: int) -> ir.Constant:
        return ir.Constant(WORD, value)

    @staticmethod
    def number(value: float) -> ir.Constant:
        return ir.Constant(FLOAT, _rounded(value))

    @staticmethod
    def floats(value: float) -> ir.Constant:
        """A vector that has ``value`` everywhere."""
        return ir.Constant(FLOATS, [_rounded(value)] * LANES)

    @staticmethod
    def ints(value: int | Sequence[int]) -> ir.Constant:
        return ir.Constant(INTS, [value] * LANES if isinstance(value, int) else list(value))

    def own(self, argument: int, kind: ir.Type, count: ir.Value) -> ir.Value:
        """The thread's own ``count`` numbers of those at the address that is argument number ``argument``.

        Not on its stack, which is as large as the system likes and smaller than a long row.
        """
        return self.at(self.pointer(argument), kind, self.builder.mul(self.thread, count))

    def at(self, pointer: ir.Value, kind: ir.Type, offset: ir.Value) -> ir.Value:
        """The address ``offset`` numbers of ``kind`` behind ``pointer``."""
        return self.builder.gep(pointer, [offset], source_etype=kind)

    def load(self, kind: ir.Type, pointer: ir.Value, offset: ir.Value) -> ir.Value:
        """A number or a vector of ``kind``, ``offset`` numbers behind ``pointer``."""
        place = self.at(pointer, _number(kind), offset)
        return self.builder.load(place, typ=kind, align=8 if kind == WORD else 4)

    def store(self, value: ir.Value, pointer: ir.Value, offset: ir.Value) -> None:
        kind = _number(value.type)
        self.builder.store(value, self.at(pointer, kind, offset), align=4)

    def prefetch(self, pointer: ir.Value, offset: ir.Value) -> None:
        """Ask for what is ``offset`` times 32 bits behind ``pointer``, which need not exist."""
        # To be read, to be kept close, and data rather than code.
        hints = [ir.Constant(INT, hint) for hint in (0, 3, 1)]
        self.call("llvm.prefetch.p0", ir.VoidType(), self.at(pointer, INT, offset), *hints)

    def spread(self, number: ir.Value) -> ir.Value:
        """A vector that has ``number`` everywhere."""
        vector = ir.VectorType(number.type, LANES)
        first = self.builder.insert_element(ir.Constant(vector, ir.Undefined), number, ir.Constant(INT, 0))
        return self.builder.shuffle_vector(first, ir.Constant(vector, ir.Undefined), self.ints(0))

    def call(self, name: str, result: ir.Type, *values: ir.Value) -> ir.Value:
        """LLVM's intrinsic function ``name``."""
        known = self._module.globals.get(name)
        function = known or ir.Function(self._module, ir.FunctionType(result, [v.type for v in values]), name)
        return self.builder.call(function, values)

    @contextmanager
    def loop(self, stop: ir.Value, step: int = 1) -> Iterator[ir.Value]:
        """What is written inside happens for 0, ``step``, … as long as it is below ``stop``."""
        before = self.builder.block
        head, body, done = (self._function.append_basic_block() for _ in range(3))
        self.builder.branch(head)
        self.builder.position_at_end(head)
        index = self.builder.phi(WORD)
        index.add_incoming(self.word(0), before)
        self.builder.cbranch(self.builder.icmp_signed("<", index, stop), body, done)
        self.builder.position_at_end(body)
        yield index
        index.add_incoming(self.builder.add(index, self.word(step)), self.builder.block)
        self.builder.branch(head)
        self.builder.position_at_end(done)

    @contextmanager
    def shared_loop(self, stop: ir.Value) -> Iterator[ir.Value]:
        """The same for 0 to ``stop`` - 1, each of which is done by one of the threads.

        A thread takes a share that is its own, one after the other, so that it reads
        memory in order; then what is left of the others' shares. There is one such loop
        in a function: a second one would find all shares taken.
        """
        b = self.builder
        with self.loop(self._threads) as n:
            owner = b.srem(b.add(self.thread, n), self._threads)
            first, end = (
                b.sdiv(b.mul(share, stop), self._threads) for share in (owner, b.add(owner, self.word(1)))
            )
            taken = self.at(self._words, WORD, b.add(owner, self.word(2 + len(self.arguments))))
            head, body, done = (self._function.append_basic_block() for _ in range(3))
            b.branch(head)
            b.position_at_end(head)
            index = b.add(first, b.atomic_rmw("add", taken, self.word(1), "monotonic"))
            b.cbranch(b.icmp_signed("<", index, end), body, done)
            b.position_at_end(body)
            yield index
            b.branch(head)
            b.position_at_end(done)

    def finish(self) -> None:
        self.builder.ret_void()

    def fma(self, a: ir.Value, b: ir.Value, c: ir.Value) -> ir.Value:
        """a · b + c, rounded once."""
        return self.call(f"llvm.fma.v{LANES}f32", FLOATS, a, b, c)

    def sum(self, x: ir.Value) -> ir.Value:
        """The sum of a vector of float32, added up in order."""
        return self.call(f"llvm.vector.reduce.fadd.v{LANES}f32", FLOAT, self.number(0.0), x)

    def nearest(self, x: ir.Value, factor: ir.Value, offset: int = 0) -> tuple[ir.Value, ir.Value]:
        """The integer nearest to x · factor, plus ``offset``: as a vector of float32, and in the low bits.

        For integers below 2²² without sign; of the bits, the lowest nine at least. Added to 1.5 · 2²³
        a number has no room for a fraction (LLVM's own conversion takes one number after the other).
        """
        room = self.floats(_NO_FRACTIONS + offset)
        moved = self.fma(x, factor, room)
        return self.builder.fsub(moved, self.floats(_NO_FRACTIONS)), self.builder.bitcast(moved, INTS)

    def exp(self, x: ir.Value) -> ir.Value:
        """eˣ of a vector to within two units in the last place; 0 below -87.3, e^87.3 above 87.3."""
        b = self.builder
        small = b.fcmp_ordered("<", x, self.floats(-_LARGEST_EXPONENT))
        # Comparisons with NaN are false, so that it stays what it is.
        large = b.fcmp_ordered(">", x, self.floats(_LARGEST_EXPONENT))
        x = b.select(large, self.floats(_LARGEST_EXPONENT), x)
        x = b.select(small, self.floats(-_LARGEST_EXPONENT), x)
        power, exponent = self.nearest(x, self.floats(math.log2(math.e)))
        rest = x
        for part in _LN_2:
            rest = self.fma(power, self.floats(-part), rest)
        series = self.floats(_EXP[0])
        for coefficient in _EXP[1:]:
            series = self.fma(series, rest, self.floats(coefficient))
        series = self.fma(b.fmul(rest, rest), series, b.fadd(rest, self.floats(1.0)))
        scale = b.bitcast(b.shl(b.add(exponent, self.ints(127)), self.ints(23)), FLOATS)
        return b.select(small, self.floats(0.0), b.fmul(series, scale))


def _number(kind: ir.Type) -> ir.Type:
    return kind.element if isinstance(kind, ir.VectorType) else kind


def _rounded(value: float) -> float:
    """``value`` as a float32, which LLVM asks of such constants."""
    return ctypes.c_float(value).value


def whole(count: int, multiple: int) -> int:
    """``count`` rounded up to a multiple of ``multiple``."""
    return -(-count // multiple) * multiple
