"""Random numbers: a seed's variates of the exponential distribution.

The generator is the Mersenne Twister of 32 bits (Matsumoto and Nishimura 1998,
https://doi.org/10.1145/272991.272995), seeded as its authors' ``init_genrand`` does. Two of its words
make a number u of [0, 1) of 53 bits, and u makes the variate -ln(1 - u), computed in double precision
and rounded to float32. The words, u and 1 - u are exact. torch's ``exponential_`` takes the same steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from llvmlite import ir
from torch import Tensor

from bot.model.kernels.arguments import Arguments, Float32s, Int32s, Int64s, Signature
from bot.model.kernels.builder import (
    DOUBLES,
    FLOAT,
    FLOATS,
    INDEX,
    INT,
    INTS,
    LANES,
    LONGS,
    KernelBuilder,
    KernelModule,
    round_up,
)
from bot.model.kernels.functions import log

_WORDS = 624  # of the generator's state
_MIDDLE = 397
_UPPER, _LOWER = 0x80000000, 0x7FFFFFFF
_MATRIX = 0x9908B0DF
_SEEDING = 1812433253
#: Variates that one state makes.
_PER_STATE = _WORDS // 2
# What whole vectors of pairs reach beyond the last word.
_REACH = 2 * round_up(_PER_STATE, LANES)

_PAIRS = ir.VectorType(INT, 2 * LANES)


@dataclass(kw_only=True)
class VariatesArguments(Arguments):
    """The arrays of a ``Twister``, which moves on by ``count`` variates."""

    words: Int32s
    ready: Float32s
    used: Int64s
    out: Float32s  # [count]
    count: int


VARIATES = Signature("variates", VariatesArguments)


class Twister:
    """A generator seeded with a number of 32 bits.

    The second half of ``words`` is its state, the first half is room. Of the ``ready`` variates that the
    state has made, the first few are ``used``.
    """

    def __init__(self, seed: int) -> None:
        state = [seed]
        for n in range(1, _WORDS):
            state.append((_SEEDING * (state[-1] ^ (state[-1] >> 30)) + n) & 0xFFFFFFFF)
        self.words = torch.zeros(_WORDS + _REACH, dtype=torch.int32)
        self.words[_WORDS : 2 * _WORDS] = torch.tensor(state).to(torch.int32)
        self.ready = torch.empty(round_up(_PER_STATE, LANES))
        self.used = torch.tensor([_PER_STATE])

    def into(self, out: Tensor, count: int) -> VariatesArguments:
        """What the kernel takes to write the next ``count`` variates into ``out``."""
        return VariatesArguments(words=self.words, ready=self.ready, used=self.used, out=out, count=count)


def write_variates(module: KernelModule) -> None:
    """Add ``VARIATES`` to ``module``."""
    _Variates(module).write()


class _Variates:
    def __init__(self, module: KernelModule) -> None:
        self._kernel = kernel = KernelBuilder(module, VARIATES)
        self._args = kernel.arguments

    def write(self) -> None:
        kernel, b, args = self._kernel, self._kernel.ir, self._args
        zero, whole = kernel.index(0), kernel.index(_PER_STATE)
        with kernel.shared_loop(kernel.index(1)):
            used = kernel.load(INDEX, args.used, zero)
            # Counted from the first variate of the state that it begins with.
            stop = b.add(used, args.count)
            with kernel.loop(stop, _PER_STATE) as first:
                is_next = b.icmp_signed(">", first, zero)
                with b.if_then(is_next):
                    self._twist()
                    self._convert()
                begin = b.select(is_next, first, used)
                end = b.add(first, whole)
                end = b.select(b.icmp_signed("<", end, stop), end, stop)
                with kernel.loop(b.sub(end, begin)) as n:
                    at = b.add(begin, n)
                    variate = kernel.load(FLOAT, args.ready, b.sub(at, first))
                    kernel.store(variate, args.out, b.sub(at, used))
                kernel.store(b.sub(end, first), args.used, zero)
        kernel.finish()

    def _twist(self) -> None:
        """Move the state on: it becomes the first half of ``words``, and the next one the second."""
        kernel, b, words = self._kernel, self._kernel.ir, self._args.words
        with kernel.loop(kernel.index(_WORDS), LANES) as n:
            kernel.store(kernel.load(INTS, words, b.add(n, kernel.index(_WORDS))), words, n)
        with kernel.loop(kernel.index(_WORDS), LANES) as n:
            this, following, middle = (
                kernel.load(INTS, words, b.add(n, kernel.index(offset))) for offset in (0, 1, _MIDDLE)
            )
            mixed = b.or_(b.and_(this, kernel.ints(_UPPER)), b.and_(following, kernel.ints(_LOWER)))
            odd = b.icmp_signed("!=", b.and_(mixed, kernel.ints(1)), kernel.ints(0))
            matrix = b.select(odd, kernel.ints(_MATRIX), kernel.ints(0))
            twisted = b.xor(b.xor(middle, b.lshr(mixed, kernel.ints(1))), matrix)
            kernel.store(twisted, words, b.add(n, kernel.index(_WORDS)))

    def _convert(self) -> None:
        """Make the variates of the state."""
        kernel, b, args = self._kernel, self._kernel.ir, self._args
        with kernel.loop(kernel.index(_PER_STATE), LANES) as n:
            place = b.add(kernel.index(_WORDS), b.mul(n, kernel.index(2)))
            pairs = b.bitcast(self._tempered(kernel.load(_PAIRS, args.words, place)), LONGS)
            # The first word is the upper half; of the whole, the lower 53 bits count.
            turned = b.or_(b.shl(pairs, kernel.longs(32)), b.lshr(pairs, kernel.longs(32)))
            bits = b.and_(turned, kernel.longs((1 << 53) - 1))
            rest = b.fmul(b.sitofp(b.sub(kernel.longs(1 << 53), bits), DOUBLES), kernel.doubles(2.0**-53))
            kernel.store(b.fptrunc(b.fsub(kernel.doubles(0.0), log(kernel, rest)), FLOATS), args.ready, n)

    def _tempered(self, y: ir.Value) -> ir.Value:
        b = self._kernel.ir

        def of(value: int) -> ir.Constant:
            return ir.Constant(_PAIRS, [value] * _PAIRS.count)

        y = b.xor(y, b.lshr(y, of(11)))
        y = b.xor(y, b.and_(b.shl(y, of(7)), of(0x9D2C5680)))
        y = b.xor(y, b.and_(b.shl(y, of(15)), of(0xEFC60000)))
        return b.xor(y, b.lshr(y, of(18)))
