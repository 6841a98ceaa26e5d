"""Builds kernels out of LLVM's instructions: arguments, loops, variables, vectors.

Nothing here lets LLVM reorder a sum: the processor computes what is written, in that order.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Generic

from llvmlite import ir

from bot.model.kernels.arguments import A, ArgumentKind, Signature, block_type

#: Numbers in a vector. A processor with shorter vectors takes several for one of these.
LANES = 16

#: Counts, strides and offsets.
INDEX = ir.IntType(64)
INT = ir.IntType(32)
SHORT = ir.IntType(16)
BYTE = ir.IntType(8)
FLOAT = ir.FloatType()
DOUBLE = ir.DoubleType()
POINTER = ir.PointerType()
INTS = ir.VectorType(INT, LANES)
FLOATS = ir.VectorType(FLOAT, LANES)
HALVES = ir.VectorType(SHORT, LANES)
LONGS = ir.VectorType(INDEX, LANES)
DOUBLES = ir.VectorType(DOUBLE, LANES)


class _BFloat16(ir.Type):  # type: ignore[misc]
    """llvmlite has no bfloat16."""

    def _to_string(self) -> str:
        return "bfloat"


#: The same bits as INTS, read as shorter numbers.
BFLOATS = ir.VectorType(_BFloat16(), 2 * LANES)
SHORTS = ir.VectorType(SHORT, 2 * LANES)
BYTES = ir.VectorType(BYTE, 4 * LANES)


class KernelModule(ir.Module):  # type: ignore[misc]
    """Kernels to be compiled together, and the signature that each was built with."""

    def __init__(self) -> None:
        super().__init__()
        self.signatures: dict[str, Signature[Any]] = {}


class Variable:
    """A value that changes in a loop, such as a sum."""

    def __init__(self, kernel: KernelBuilder[Any], value: ir.Value) -> None:
        self._ir = kernel.ir
        with self._ir.goto_entry_block():
            self._place = self._ir.alloca(value.type)
        self.set(value)

    def get(self) -> ir.Value:
        return self._ir.load(self._place, typ=self._place.allocated_type)

    def set(self, value: ir.Value) -> None:
        self._ir.store(value, self._place)


class KernelBuilder(Generic[A]):
    """Builds the kernel ``signature`` in ``module``, to be run by several threads at once.

    ``arguments`` is the kernel's record of arguments. Its fields hold the values that the kernel
    loads: addresses of arrays, integers, float32, and single bits for booleans.
    """

    def __init__(self, module: KernelModule, signature: Signature[A]) -> None:
        self._module = module
        self._function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER]), signature.name)
        module.signatures[signature.name] = signature
        #: LLVM's own builder, for single instructions.
        self.ir = ir.IRBuilder(self._function.append_basic_block())
        declared = signature.layout
        block = block_type(declared.structure, threads=0)
        #: How many threads run the kernel.
        self.threads = self._read(INDEX, block.threads.offset)
        self.arguments = signature.arguments(
            **{name: self._argument(kind, declared.offset(name)) for name, kind in declared.kinds.items()}
        )
        self._taken = self._in_block(block.taken.offset)
        begun = self._in_block(block.begun.offset)
        #: The number of the thread that runs the kernel, from 0.
        self.thread = self.ir.atomic_rmw("add", begun, self.index(1), "monotonic")

    @staticmethod
    def index(value: int) -> ir.Constant:
        return ir.Constant(INDEX, value)

    @staticmethod
    def scalar(value: float) -> ir.Constant:
        return ir.Constant(FLOAT, _rounded(value))

    @staticmethod
    def floats(value: float) -> ir.Constant:
        """A vector of ``value`` in every lane."""
        return ir.Constant(FLOATS, [_rounded(value)] * LANES)

    @staticmethod
    def doubles(value: float) -> ir.Constant:
        """A vector of ``value`` in every lane, in double precision."""
        return ir.Constant(DOUBLES, [value] * LANES)

    @staticmethod
    def ints(value: int | Sequence[int]) -> ir.Constant:
        return ir.Constant(INTS, [value] * LANES if isinstance(value, int) else list(value))

    @staticmethod
    def longs(value: int) -> ir.Constant:
        return ir.Constant(LONGS, [value] * LANES)

    def per_thread(self, pointer: ir.Value, kind: ir.Type, count: ir.Value) -> ir.Value:
        """The address of this thread's own ``count`` numbers of the array at ``pointer``.

        Not on the thread's stack: its size is the system's choice, and a long row may not fit.
        """
        return self.at(pointer, kind, self.ir.mul(self.thread, count))

    def at(self, pointer: ir.Value, kind: ir.Type, offset: ir.Value) -> ir.Value:
        """The address ``offset`` numbers of ``kind`` after ``pointer``."""
        return self.ir.gep(pointer, [offset], source_etype=kind)

    def load(self, kind: ir.Type, pointer: ir.Value, offset: ir.Value) -> ir.Value:
        """The number or vector of ``kind`` that begins ``offset`` numbers after ``pointer``."""
        place = self.at(pointer, _number(kind), offset)
        return self.ir.load(place, typ=kind, align=8 if kind in (INDEX, POINTER, DOUBLE) else 4)

    def store(self, value: ir.Value, pointer: ir.Value, offset: ir.Value) -> None:
        kind = _number(value.type)
        self.ir.store(value, self.at(pointer, kind, offset), align=2 if value.type == SHORT else 4)

    def prefetch(self, pointer: ir.Value, offset: ir.Value) -> None:
        """Prefetch what lies ``offset`` times 32 bits after ``pointer``; nothing needs to be there."""
        # For reading, to be kept close, data rather than code.
        hints = [ir.Constant(INT, hint) for hint in (0, 3, 1)]
        self.call("llvm.prefetch.p0", ir.VoidType(), self.at(pointer, INT, offset), *hints)

    def broadcast(self, number: ir.Value, lanes: int = LANES) -> ir.Value:
        """A vector of ``number`` in every lane."""
        vector = ir.VectorType(number.type, lanes)
        first = self.ir.insert_element(ir.Constant(vector, ir.Undefined), number, ir.Constant(INT, 0))
        zeros = ir.Constant(ir.VectorType(INT, lanes), [0] * lanes)
        return self.ir.shuffle_vector(first, ir.Constant(vector, ir.Undefined), zeros)

    def call(self, name: str, result: ir.Type, *values: ir.Value) -> ir.Value:
        """Call LLVM's intrinsic function ``name``."""
        known = self._module.globals.get(name)
        function = known or ir.Function(self._module, ir.FunctionType(result, [v.type for v in values]), name)
        return self.ir.call(function, values)

    @contextmanager
    def loop(self, stop: ir.Value, step: int = 1) -> Iterator[ir.Value]:
        """Repeat what the body builds for 0, ``step``, 2 · ``step``, … below ``stop``."""
        before = self.ir.block
        head, body, done = (self._function.append_basic_block() for _ in range(3))
        self.ir.branch(head)
        self.ir.position_at_end(head)
        index = self.ir.phi(INDEX)
        index.add_incoming(self.index(0), before)
        self.ir.cbranch(self.ir.icmp_signed("<", index, stop), body, done)
        self.ir.position_at_end(body)
        yield index
        index.add_incoming(self.ir.add(index, self.index(step)), self.ir.block)
        self.ir.branch(head)
        self.ir.position_at_end(done)

    @contextmanager
    def shared_loop(self, stop: ir.Value) -> Iterator[ir.Value]:
        """Repeat what the body builds for each task from 0 to ``stop`` - 1, each done by one thread.

        A thread does the tasks of its own share first, in order, so that it reads memory in
        order; then it helps with what is left of the others'. A kernel has one such loop: a
        second one would find every share taken.
        """
        b = self.ir
        with self.loop(self.threads) as n:
            owner = b.srem(b.add(self.thread, n), self.threads)
            first, end = (
                b.sdiv(b.mul(share, stop), self.threads) for share in (owner, b.add(owner, self.index(1)))
            )
            taken = self.at(self._taken, INDEX, owner)
            head, body, done = (self._function.append_basic_block() for _ in range(3))
            b.branch(head)
            b.position_at_end(head)
            index = b.add(first, b.atomic_rmw("add", taken, self.index(1), "monotonic"))
            b.cbranch(b.icmp_signed("<", index, end), body, done)
            b.position_at_end(body)
            yield index
            b.branch(head)
            b.position_at_end(done)

    def finish(self) -> None:
        self.ir.ret_void()

    def _argument(self, kind: ArgumentKind, offset: int) -> ir.Value:
        if kind.type is bool:
            return self.ir.icmp_signed("!=", self._read(INDEX, offset), self.index(0))
        types = {ctypes.c_int64: INDEX, ctypes.c_float: FLOAT, ctypes.c_void_p: POINTER}
        return self._read(types[kind.ctype], offset)

    def _read(self, kind: ir.Type, offset: int) -> ir.Value:
        return self.ir.load(self._in_block(offset), typ=kind, align=4 if kind == FLOAT else 8)

    def _in_block(self, offset: int) -> ir.Value:
        """The address ``offset`` bytes into the threads' block."""
        return self.at(self._function.args[0], BYTE, self.index(offset))

    def fma(self, a: ir.Value, b: ir.Value, c: ir.Value) -> ir.Value:
        """a · b + c of vectors, rounded once."""
        return self.call(f"llvm.fma.{_suffix(a.type)}", a.type, a, b, c)

    def sum(self, x: ir.Value) -> ir.Value:
        """The sum of a vector, lane by lane in order."""
        zero = ir.Constant(x.type.element, 0.0)
        return self.call(f"llvm.vector.reduce.fadd.{_suffix(x.type)}", x.type.element, zero, x)

    def largest(self, x: ir.Value) -> ir.Value:
        """The largest number of a vector of float32."""
        return self.call(f"llvm.vector.reduce.fmax.{_suffix(x.type)}", FLOAT, x)


def _number(kind: ir.Type) -> ir.Type:
    return kind.element if isinstance(kind, ir.VectorType) else kind


def _suffix(kind: ir.VectorType) -> str:
    """What the names of intrinsic functions end with, for vectors of ``kind``."""
    return f"v{kind.count}f{64 if kind.element == DOUBLE else 32}"


def _rounded(value: float) -> float:
    """``value`` rounded to float32: LLVM refuses other constants of that type."""
    return ctypes.c_float(value).value


def round_up(count: int, multiple: int) -> int:
    """``count`` rounded up to a multiple of ``multiple``."""
    return -(-count // multiple) * multiple
