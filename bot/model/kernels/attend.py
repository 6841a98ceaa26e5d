"""Causal attention of new rows to cached keys and values.

A sequence's keys lie in blocks of ``KEYS`` positions, [width, KEYS] each, so that a
vector holds the same number of several keys; its values lie as they come, [width] each.
A thread takes one head of one sequence after the other: it stores the new rows' keys
and values, then attends row by row, or several rows at once where there are several.

A row's scores are chains over the width of a head, the sum of their exponentials is
one of ``LANES`` chains over the blocks, added up in order, and an output is a chain
over the positions up to the row's own. Nothing of it depends on which rows are
computed together: what a row must not see adds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from llvmlite import ir

from bot.model.kernels.builder import FLOAT, FLOATS, INT, LANES, WORD, Code, Variable, whole
from bot.model.kernels.jit import Processor

NAME = "attention"

#: Positions in a block of keys: two vectors, for a processor adds two numbers in the
#: time that it takes to add one.
KEYS = 2 * LANES

#: What the function takes: counts, strides in numbers, and the addresses of ``parts``
#: [parts, 4] (a sequence's slot, its first row, its rows, the first one's position);
#: ``qkv`` [rows, ``qkv_stride``], a row of which begins with [3, heads, width]; ``keys``
#: and ``values`` [slots, heads, positions, width]; ``out`` [rows, heads, width]. The width
#: of the last three is filled up to whole vectors, that of ``out`` with zeros. ``scores``
#: is room for what ``write_attention`` returns, for each thread; ``scale`` is the bits of
#: a float32.
ARGUMENTS = (
    *("parts", "tasks", "heads", "qkv", "keys", "values", "out", "scores"),
    *("qkv_stride", "slot_stride", "head_stride", "scale"),
)

_INFINITY = float("inf")


def write_attention(module: ir.Module, *, head_width: int, context: int, processor: Processor) -> int:
    """Add the function to ``module``; how many scores a thread needs room for."""
    attention = _Attention(module, head_width, context, processor)
    attention.write()
    return attention.scores


class _Attention:
    def __init__(self, module: ir.Module, head_width: int, context: int, processor: Processor) -> None:
        self._code = code = Code(module, NAME, len(ARGUMENTS))
        self._number = dict(zip(ARGUMENTS, code.arguments, strict=True))
        self._width = head_width
        self._vectors = -(-head_width // LANES)
        #: So many rows that their outputs are what the registers hold.
        self._rows = max(1, processor.rows * processor.vectors // self._vectors)
        self._positions = whole(context, KEYS)
        bits = code.builder.trunc(self._number["scale"], INT)
        self._scale = code.spread(code.builder.bitcast(bits, FLOAT))
        self.scores = self._rows * self._positions
        self._scores = code.own(ARGUMENTS.index("scores"), FLOAT, code.word(self.scores))

    def write(self) -> None:
        code, b, number = self._code, self._code.builder, self._number
        with code.shared_loop(number["tasks"]) as task:
            head = b.srem(task, number["heads"])
            place = b.mul(b.sdiv(task, number["heads"]), code.word(4))
            slot, row, count, position = (
                code.load(WORD, self._pointer("parts"), b.add(place, code.word(n))) for n in range(4)
            )
            self._new = b.mul(head, code.word(self._width))
            self._cached = b.add(b.mul(slot, number["slot_stride"]), b.mul(head, number["head_stride"]))
            self._out = b.mul(head, code.word(self._vectors * LANES))
            with code.loop(count) as n:
                self._keep(b.add(row, n), b.add(position, n))
            several = b.sub(count, b.srem(count, code.word(self._rows)))
            with code.loop(several, self._rows) as n:
                self._attend(b.add(row, n), b.add(position, n), self._rows)
            with code.loop(b.sub(count, several)) as n:
                single = b.add(several, n)
                self._attend(b.add(row, single), b.add(position, single), 1)
        code.finish()

    def _keep(self, row: ir.Value, position: ir.Value) -> None:
        """Store the key and the value of ``row``."""
        code, b = self._code, self._code.builder
        keys, values = self._pointer("keys"), self._pointer("values")
        lane = b.srem(position, code.word(KEYS))
        block = self._block(b.sdiv(position, code.word(KEYS)))
        value = self._value(position)
        with code.loop(code.word(self._width)) as n:
            key = b.add(block, b.add(b.mul(n, code.word(KEYS)), lane))
            code.store(code.load(FLOAT, self._pointer("qkv"), self._part(row, 1, n)), keys, key)
        vectors = self._width // LANES * LANES
        for kind, start, stop, step in ((FLOATS, 0, vectors, LANES), (FLOAT, vectors, self._width, 1)):
            for n in map(code.word, range(start, stop, step)):
                number = code.load(kind, self._pointer("qkv"), self._part(row, 2, n))
                code.store(number, values, b.add(value, n))
        # So that outputs have zeros there too.
        for n in map(code.word, range(self._width, self._vectors * LANES)):
            code.store(code.number(0.0), values, b.add(value, n))

    def _attend(self, row: ir.Value, position: ir.Value, count: int) -> None:
        """The outputs of ``count`` rows from ``row`` on, whose positions begin with ``position``."""
        code, b = self._code, self._code.builder
        rows = [b.add(row, code.word(n)) for n in range(count)]
        positions = [b.add(position, code.word(n)) for n in range(count)]
        largest = self._score(rows, positions)
        sums = self._exponentials(largest, positions[-1])
        outputs = self._weighted(position, count)
        stride = b.mul(self._number["heads"], code.word(self._vectors * LANES))
        for this, total, own in zip(rows, sums, outputs, strict=True):
            place = b.add(b.mul(this, stride), self._out)
            for v, output in enumerate(own):
                result = b.fdiv(output.get(), total)
                code.store(result, self._pointer("out"), b.add(place, code.word(v * LANES)))

    def _score(self, rows: Sequence[ir.Value], positions: Sequence[ir.Value]) -> list[Variable]:
        """Write the rows' scores for all positions up to the last one's; the largest in each lane."""
        code, b = self._code, self._code.builder
        largest = [Variable(code, code.floats(-_INFINITY)) for _ in rows]
        with code.loop(self._count(positions[-1], KEYS)) as block:
            first = b.mul(block, code.word(KEYS))
            for v, scores in enumerate(self._products(rows, block)):
                place = b.add(first, code.word(v * LANES))
                lanes = b.add(code.spread(b.trunc(place, INT)), code.ints(range(LANES)))
                for r, (score, most, position) in enumerate(zip(scores, largest, positions, strict=True)):
                    hidden = b.icmp_signed(">", lanes, code.spread(b.trunc(position, INT)))
                    seen = b.select(hidden, code.floats(-_INFINITY), b.fmul(score.get(), self._scale))
                    code.store(seen, self._scores, b.add(place, code.word(r * self._positions)))
                    most.set(code.call(f"llvm.maxnum.v{LANES}f32", FLOATS, most.get(), seen))
        return largest

    def _products(self, rows: Sequence[ir.Value], block: ir.Value) -> list[list[Variable]]:
        """The products [vectors][rows] of the rows' queries with the keys of ``block``."""
        code, b, keys = self._code, self._code.builder, self._pointer("keys")
        first, following = self._block(block), self._block(b.add(block, code.word(1)))
        sums = [[Variable(code, code.floats(0.0)) for _ in rows] for _ in range(KEYS // LANES)]
        with code.loop(code.word(self._width)) as n:
            line = b.mul(n, code.word(KEYS))
            vectors = []
            for v in range(KEYS // LANES):
                here = b.add(line, code.word(v * LANES))
                vectors.append(code.load(FLOATS, keys, b.add(first, here)))
                code.prefetch(keys, b.add(following, here))
            for r, row in enumerate(rows):
                query = code.spread(code.load(FLOAT, self._pointer("qkv"), self._part(row, 0, n)))
                for own, key in zip(sums, vectors, strict=True):
                    own[r].set(code.fma(query, key, own[r].get()))
        return sums

    def _exponentials(self, largest: Sequence[Variable], last: ir.Value) -> list[ir.Value]:
        """Replace the scores by their exponentials, over the largest one's; each row's sum, spread."""
        code, b = self._code, self._code.builder
        sums = []
        for r, most in enumerate(largest):
            top = code.spread(code.call(f"llvm.vector.reduce.fmax.v{LANES}f32", FLOAT, most.get()))
            total = Variable(code, code.floats(0.0))
            with code.loop(self._count(last, LANES)) as vector:
                place = b.add(b.mul(vector, code.word(LANES)), code.word(r * self._positions))
                exponential = code.exp(b.fsub(code.load(FLOATS, self._scores, place), top))
                code.store(exponential, self._scores, place)
                total.set(b.fadd(total.get(), exponential))
            sums.append(code.spread(code.sum(total.get())))
        return sums

    def _weighted(self, position: ir.Value, count: int) -> list[list[Variable]]:
        """For ``count`` rows from ``position`` on, the sums of the values up to their own, weighted."""
        code, b = self._code, self._code.builder
        outputs = [[Variable(code, code.floats(0.0)) for _ in range(self._vectors)] for _ in range(count)]
        with code.loop(b.add(position, code.word(1))) as seen_by_all:
            self._add_value(outputs, seen_by_all, first=0)
        # A weight of 0 would not hide a value that is no number.
        for first in range(1, count):
            self._add_value(outputs, b.add(position, code.word(first)), first)
        return outputs

    def _add_value(self, outputs: Sequence[Sequence[Variable]], position: ir.Value, first: int) -> None:
        """Add the value of ``position`` to the outputs of the rows from ``first`` on."""
        code, b = self._code, self._code.builder
        place = self._value(position)
        values = [
            code.load(FLOATS, self._pointer("values"), b.add(place, code.word(v * LANES)))
            for v in range(self._vectors)
        ]
        for r, own in enumerate(outputs[first:], start=first):
            at = b.add(position, code.word(r * self._positions))
            weight = code.spread(code.load(FLOAT, self._scores, at))
            for output, value in zip(own, values, strict=True):
                output.set(code.fma(weight, value, output.get()))

    def _count(self, last: ir.Value, size: int) -> ir.Value:
        """How many times ``size`` positions there are up to position ``last``."""
        b = self._code.builder
        return b.add(b.sdiv(last, self._code.word(size)), self._code.word(1))

    def _block(self, index: ir.Value) -> ir.Value:
        """Where a block of keys begins."""
        b = self._code.builder
        return b.add(self._cached, b.mul(index, self._code.word(self._vectors * LANES * KEYS)))

    def _value(self, position: ir.Value) -> ir.Value:
        """Where a position's value begins."""
        b = self._code.builder
        return b.add(self._cached, b.mul(position, self._code.word(self._vectors * LANES)))

    def _part(self, row: ir.Value, part: int, n: ir.Value) -> ir.Value:
        """Where number ``n`` of this head's query (0), key (1) or value (2) of ``row`` is in ``qkv``."""
        code, b = self._code, self._code.builder
        width = b.mul(self._number["heads"], code.word(self._width))
        begin = b.add(b.mul(row, self._number["qkv_stride"]), b.mul(code.word(part), width))
        return b.add(begin, b.add(self._new, n))

    def _pointer(self, name: str) -> ir.Value:
        return self._code.pointer(ARGUMENTS.index(name))
