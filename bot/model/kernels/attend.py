"""Causal attention of a pass's rows to cached keys and values.

Each sequence of a pass has a span of its rows and a slot of the cache. In a slot, each head's
keys lie in blocks of ``KEY_BLOCK`` positions, [width, KEY_BLOCK] each, so that a vector holds the same
number of several keys; its values lie position by position, [width] each. Both are float32, or
bfloat16 in half the memory; queries, scores and sums are always float32. A task is one head of one
sequence: a thread stores the keys and values of the span's rows, then attends row by row, or for several
rows at once.

A row's scores are chains over the width of a head. The sum of their exponentials is ``LANES`` chains
over the vectors of scores, added up in order, and an output is a chain over the positions up to the row's
own. None of this depends on which rows are computed together: a position that a row must not
see adds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llvmlite import ir

from bot.model.kernels.arguments import Arguments, Float32s, Int32s, Int64s, Signature
from bot.model.kernels.builder import (
    FLOAT,
    FLOATS,
    HALVES,
    INDEX,
    INT,
    LANES,
    SHORT,
    KernelBuilder,
    KernelModule,
    Variable,
    round_up,
)
from bot.model.kernels.functions import bfloat16, exp, halved, widened
from bot.model.kernels.processor import Processor

#: Positions in a block of keys. Two vectors, because a processor does two additions in the
#: time that it takes to do one.
KEY_BLOCK = 2 * LANES


#: float32 or bfloat16, as 32-bit integers.
Cached = Int32s


@dataclass(kw_only=True)
class AttendArguments(Arguments):
    """Strides count numbers. ``padded width`` is a head's width, rounded up to whole vectors."""

    spans: Int64s  # [sequences, 4]: slot, first row, count of rows, position of the first
    tasks: int  # sequences · heads
    heads: int
    qkv: Float32s  # [rows, qkv_stride], each row begins with [3, heads, width]
    keys: Cached  # [slots, heads, positions, padded width]
    values: Cached  # the same
    out: Float32s  # [rows, heads, padded width], padded with zeros
    scores: Float32s  # room for each thread: [threads, ``room_for_scores``]
    qkv_stride: int
    slot_stride: int
    head_stride: int
    scale: float  # of a score


ATTEND = Signature("attend", AttendArguments)

_INFINITY = float("inf")


def write_attend(
    module: KernelModule, *, head_width: int, context: int, processor: Processor, rounds: bool = False
) -> None:
    """Add ``ATTEND`` to ``module``. Keys and values are float32, or bfloat16 if it ``rounds``."""
    _Attend(module, head_width, context, processor, rounds=rounds).write()


def room_for_scores(head_width: int, context: int, processor: Processor) -> int:
    """How many scores each thread of ``ATTEND`` needs room for."""
    return _together(head_width, processor) * round_up(context, KEY_BLOCK)


def _together(head_width: int, processor: Processor) -> int:
    """Rows that attend at once: as many as the registers hold outputs of."""
    return max(1, processor.rows * processor.vectors // -(-head_width // LANES))


class _Attend:
    def __init__(
        self, module: KernelModule, head_width: int, context: int, processor: Processor, *, rounds: bool
    ) -> None:
        #: The type of a key's and a value's numbers.
        self._number = SHORT if rounds else FLOAT
        self._kernel = kernel = KernelBuilder(module, ATTEND)
        self._args = kernel.arguments
        self._width = head_width
        self._vectors = -(-head_width // LANES)
        self._rows = _together(head_width, processor)
        self._positions = round_up(context, KEY_BLOCK)
        self._scale = kernel.broadcast(self._args.scale)
        room = room_for_scores(head_width, context, processor)
        self._scores = kernel.per_thread(self._args.scores, FLOAT, kernel.index(room))

    def write(self) -> None:
        kernel, b, args = self._kernel, self._kernel.ir, self._args
        with kernel.shared_loop(args.tasks) as task:
            head = b.srem(task, args.heads)
            place = b.mul(b.sdiv(task, args.heads), kernel.index(4))
            slot, row, count, position = (
                kernel.load(INDEX, args.spans, b.add(place, kernel.index(n))) for n in range(4)
            )
            self._new = b.mul(head, kernel.index(self._width))
            self._cached = b.add(b.mul(slot, args.slot_stride), b.mul(head, args.head_stride))
            self._out = b.mul(head, kernel.index(self._vectors * LANES))
            with kernel.loop(count) as n:
                self._cache(b.add(row, n), b.add(position, n))
            several = b.sub(count, b.srem(count, kernel.index(self._rows)))
            with kernel.loop(several, self._rows) as n:
                self._attend(b.add(row, n), b.add(position, n), self._rows)
            with kernel.loop(b.sub(count, several)) as n:
                single = b.add(several, n)
                self._attend(b.add(row, single), b.add(position, single), 1)
        kernel.finish()

    def _cache(self, row: ir.Value, position: ir.Value) -> None:
        """Store the key and value of ``row``."""
        kernel, b = self._kernel, self._kernel.ir
        keys, values = self._args.keys, self._args.values
        lane = b.srem(position, kernel.index(KEY_BLOCK))
        block = self._block(b.sdiv(position, kernel.index(KEY_BLOCK)))
        value = self._value(position)
        with kernel.loop(kernel.index(self._width)) as n:
            key = b.add(block, b.add(b.mul(n, kernel.index(KEY_BLOCK)), lane))
            kernel.store(self._rounded(FLOAT, self._part(row, 1, n)), keys, key)
        vectors = self._width // LANES * LANES
        for kind, start, stop, step in ((FLOATS, 0, vectors, LANES), (FLOAT, vectors, self._width, 1)):
            for n in map(kernel.index, range(start, stop, step)):
                kernel.store(self._rounded(kind, self._part(row, 2, n)), values, b.add(value, n))
        # Zeros here give zeros in the outputs' padding.
        for n in map(kernel.index, range(self._width, self._vectors * LANES)):
            kernel.store(ir.Constant(self._number, 0), values, b.add(value, n))

    def _rounded(self, kind: ir.Type, place: ir.Value) -> ir.Value:
        """The number or vector of ``qkv`` at ``place``, as it is kept."""
        kernel, b = self._kernel, self._kernel.ir
        number = kernel.load(kind, self._args.qkv, place)
        if self._number is FLOAT:
            return number
        if kind is FLOATS:
            return halved(kernel, bfloat16(kernel, number))
        halves = halved(kernel, bfloat16(kernel, kernel.broadcast(number)))
        return b.extract_element(halves, ir.Constant(INT, 0))

    def _kept(self, array: ir.Value, place: ir.Value) -> ir.Value:
        """A vector of keys or values."""
        kernel = self._kernel
        if self._number is FLOAT:
            return kernel.load(FLOATS, array, place)
        return widened(kernel, kernel.load(HALVES, array, place))

    def _attend(self, row: ir.Value, position: ir.Value, count: int) -> None:
        """Compute the outputs of ``count`` rows from ``row`` on, the first at ``position``."""
        kernel, b = self._kernel, self._kernel.ir
        rows = [b.add(row, kernel.index(n)) for n in range(count)]
        positions = [b.add(position, kernel.index(n)) for n in range(count)]
        largest = self._score(rows, positions)
        sums = self._exponentials(largest, positions[-1])
        outputs = self._weighted(position, count)
        stride = b.mul(self._args.heads, kernel.index(self._vectors * LANES))
        for this, total, own in zip(rows, sums, outputs, strict=True):
            place = b.add(b.mul(this, stride), self._out)
            for v, output in enumerate(own):
                result = b.fdiv(output.get(), total)
                kernel.store(result, self._args.out, b.add(place, kernel.index(v * LANES)))

    def _score(self, rows: Sequence[ir.Value], positions: Sequence[ir.Value]) -> list[Variable]:
        """Store the rows' scores for all positions up to the last row's; return the largest in each lane."""
        kernel, b = self._kernel, self._kernel.ir
        largest = [Variable(kernel, kernel.floats(-_INFINITY)) for _ in rows]
        with kernel.loop(self._count(positions[-1], KEY_BLOCK)) as block:
            first = b.mul(block, kernel.index(KEY_BLOCK))
            for v, scores in enumerate(self._products(rows, block)):
                place = b.add(first, kernel.index(v * LANES))
                lanes = b.add(kernel.broadcast(b.trunc(place, INT)), kernel.ints(range(LANES)))
                for r, (score, most, position) in enumerate(zip(scores, largest, positions, strict=True)):
                    hidden = b.icmp_signed(">", lanes, kernel.broadcast(b.trunc(position, INT)))
                    seen = b.select(hidden, kernel.floats(-_INFINITY), b.fmul(score.get(), self._scale))
                    kernel.store(seen, self._scores, b.add(place, kernel.index(r * self._positions)))
                    most.set(kernel.call(f"llvm.maxnum.v{LANES}f32", FLOATS, most.get(), seen))
        return largest

    def _products(self, rows: Sequence[ir.Value], block: ir.Value) -> list[list[Variable]]:
        """Return the products [vectors][rows] of the rows' queries and the keys of ``block``."""
        kernel, b, keys = self._kernel, self._kernel.ir, self._args.keys
        first, following = self._block(block), self._block(b.add(block, kernel.index(1)))
        sums = [[Variable(kernel, kernel.floats(0.0)) for _ in rows] for _ in range(KEY_BLOCK // LANES)]
        with kernel.loop(kernel.index(self._width)) as n:
            line = b.mul(n, kernel.index(KEY_BLOCK))
            vectors = []
            for v in range(KEY_BLOCK // LANES):
                here = b.add(line, kernel.index(v * LANES))
                vectors.append(self._kept(keys, b.add(first, here)))
                ahead = kernel.at(keys, self._number, b.add(following, here))
                kernel.prefetch(ahead, kernel.index(0))
            for r, row in enumerate(rows):
                query = kernel.broadcast(kernel.load(FLOAT, self._args.qkv, self._part(row, 0, n)))
                for own, key in zip(sums, vectors, strict=True):
                    own[r].set(kernel.fma(query, key, own[r].get()))
        return sums

    def _exponentials(self, largest: Sequence[Variable], last: ir.Value) -> list[ir.Value]:
        """Replace each score by exp(score - the row's largest); return the rows' sums, broadcast."""
        kernel, b = self._kernel, self._kernel.ir
        sums = []
        for r, most in enumerate(largest):
            top = kernel.broadcast(kernel.largest(most.get()))
            total = Variable(kernel, kernel.floats(0.0))
            with kernel.loop(self._count(last, LANES)) as vector:
                place = b.add(b.mul(vector, kernel.index(LANES)), kernel.index(r * self._positions))
                exponential = exp(kernel, b.fsub(kernel.load(FLOATS, self._scores, place), top))
                kernel.store(exponential, self._scores, place)
                total.set(b.fadd(total.get(), exponential))
            sums.append(kernel.broadcast(kernel.sum(total.get())))
        return sums

    def _weighted(self, position: ir.Value, count: int) -> list[list[Variable]]:
        """For ``count`` rows from ``position`` on, return the weighted sums of the values that they see."""
        kernel, b = self._kernel, self._kernel.ir
        outputs = [[Variable(kernel, kernel.floats(0.0)) for _ in range(self._vectors)] for _ in range(count)]
        with kernel.loop(b.add(position, kernel.index(1))) as seen_by_all:
            self._add_value(outputs, seen_by_all, first=0)
        # A weight of 0 would not hide a NaN.
        for first in range(1, count):
            self._add_value(outputs, b.add(position, kernel.index(first)), first)
        return outputs

    def _add_value(self, outputs: Sequence[Sequence[Variable]], position: ir.Value, first: int) -> None:
        """Add the value of ``position`` to the outputs of the rows from ``first`` on."""
        kernel, b = self._kernel, self._kernel.ir
        place = self._value(position)
        values = [
            self._kept(self._args.values, b.add(place, kernel.index(v * LANES))) for v in range(self._vectors)
        ]
        for r, own in enumerate(outputs[first:], start=first):
            at = b.add(position, kernel.index(r * self._positions))
            weight = kernel.broadcast(kernel.load(FLOAT, self._scores, at))
            for output, value in zip(own, values, strict=True):
                output.set(kernel.fma(weight, value, output.get()))

    def _count(self, last: ir.Value, size: int) -> ir.Value:
        """The count of groups of ``size`` positions, up to the one with position ``last``."""
        b = self._kernel.ir
        return b.add(b.sdiv(last, self._kernel.index(size)), self._kernel.index(1))

    def _block(self, index: ir.Value) -> ir.Value:
        """The offset of a block of keys."""
        b = self._kernel.ir
        return b.add(self._cached, b.mul(index, self._kernel.index(self._vectors * LANES * KEY_BLOCK)))

    def _value(self, position: ir.Value) -> ir.Value:
        """The offset of a position's value."""
        b = self._kernel.ir
        return b.add(self._cached, b.mul(position, self._kernel.index(self._vectors * LANES)))

    def _part(self, row: ir.Value, part: int, n: ir.Value) -> ir.Value:
        """The offset in ``qkv`` of number ``n`` of this head's query (0), key (1) or value (2) of ``row``."""
        kernel, b = self._kernel, self._kernel.ir
        width = b.mul(self._args.heads, kernel.index(self._width))
        begin = b.add(b.mul(row, self._args.qkv_stride), b.mul(kernel.index(part), width))
        return b.add(begin, b.add(self._new, n))
