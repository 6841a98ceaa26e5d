"""What a row of scores says of the next token: its distribution, its unlikely tokens, a draw from it.

A score is a logit over the temperature; that of a token that is left out is -inf. A token's weight is
exp(score - the largest) in float32, its probability that over the sum of all weights. Sums are ``LANES``
chains of doubles over the vectors of a row, added up in order. Rows are padded to whole vectors with -inf,
which adds nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from llvmlite import ir

from bot.model.kernels.arguments import Arguments, Float32s, Float64s, Int64s, Signature
from bot.model.kernels.builder import (
    DOUBLE,
    DOUBLES,
    FLOAT,
    FLOATS,
    INDEX,
    INT,
    LANES,
    KernelBuilder,
    KernelModule,
    Variable,
)
from bot.model.kernels.functions import Kernel, exp, log

#: What ``MEASURE`` finds of a row: the largest score, the logarithm of the sum of the weights, and the
#: entropy in bits.
MEASURES = 3


@dataclass(kw_only=True)
class MeasureArguments(Arguments):
    scores: Float32s  # [rows, width]
    rows: int
    width: int  # a multiple of ``LANES``
    found: Float64s  # [rows, MEASURES]


@dataclass(kw_only=True)
class NucleusArguments(Arguments):
    scores: Float32s  # [width], ascending but for the padding
    count: int  # of scores without the padding
    width: int
    weights: Float32s  # room for [width]
    limit: float
    out: Int64s  # how many of the first scores have a total probability of at most ``limit``


@dataclass(kw_only=True)
class DrawArguments(Arguments):
    scores: Float32s  # [width]
    noise: Float32s  # [width], variates of the exponential distribution
    width: int
    out: Int64s  # the index with the largest weight over noise, the lowest of several


MEASURE = Signature("measure", MeasureArguments)
NUCLEUS = Signature("nucleus", NucleusArguments)
DRAW = Signature("draw", DrawArguments)


def write_distribution(module: KernelModule) -> None:
    """Add ``MEASURE``, ``NUCLEUS`` and ``DRAW`` to ``module``."""
    _measure(KernelBuilder(module, MEASURE))
    _nucleus(KernelBuilder(module, NUCLEUS))
    _draw(KernelBuilder(module, DRAW))


def _measure(kernel: KernelBuilder[MeasureArguments]) -> None:
    b, args = kernel.ir, kernel.arguments
    with kernel.shared_loop(args.rows) as row:
        scores = kernel.at(args.scores, FLOAT, b.mul(row, args.width))
        top = _largest(kernel, scores, args.width)
        total, products = (Variable(kernel, kernel.doubles(0.0)) for _ in range(2))
        with kernel.loop(args.width, LANES) as n:
            below = b.fsub(kernel.load(FLOATS, scores, n), kernel.broadcast(top))
            weight = exp(kernel, below)
            # 0 · -inf is not a number.
            below = b.select(_positive(kernel, weight), below, kernel.floats(0.0))
            weights = b.fpext(weight, DOUBLES)
            total.set(b.fadd(total.get(), weights))
            products.set(kernel.fma(weights, b.fpext(below, DOUBLES), products.get()))
        whole = kernel.broadcast(kernel.sum(total.get()))
        mean = b.fdiv(kernel.broadcast(kernel.sum(products.get())), whole)
        logarithm = log(kernel, whole)
        entropy = b.fmul(b.fsub(logarithm, mean), kernel.doubles(1 / math.log(2)))
        place = b.mul(row, kernel.index(MEASURES))
        for n, value in enumerate((kernel.broadcast(b.fpext(top, DOUBLE)), logarithm, entropy)):
            kernel.store(
                b.extract_element(value, ir.Constant(INT, 0)), args.found, b.add(place, kernel.index(n))
            )
    kernel.finish()


def _nucleus(kernel: KernelBuilder[NucleusArguments]) -> None:
    b, args = kernel.ir, kernel.arguments
    with kernel.shared_loop(kernel.index(1)):
        top = kernel.load(FLOAT, args.scores, b.sub(args.count, kernel.index(1)))
        total = Variable(kernel, kernel.doubles(0.0))
        with kernel.loop(args.width, LANES) as n:
            weight = exp(kernel, b.fsub(kernel.load(FLOATS, args.scores, n), kernel.broadcast(top)))
            kernel.store(weight, args.weights, n)
            total.set(b.fadd(total.get(), b.fpext(weight, DOUBLES)))
        whole = b.fptrunc(kernel.sum(total.get()), FLOAT)
        so_far, count = Variable(kernel, ir.Constant(DOUBLE, 0.0)), Variable(kernel, kernel.index(0))
        with kernel.loop(args.count) as n:
            probability = b.fdiv(kernel.load(FLOAT, args.weights, n), whole)
            so_far.set(b.fadd(so_far.get(), b.fpext(probability, DOUBLE)))
            is_within = b.fcmp_ordered("<=", b.fptrunc(so_far.get(), FLOAT), args.limit)
            count.set(b.add(count.get(), b.zext(is_within, INDEX)))
        kernel.store(count.get(), args.out, kernel.index(0))
    kernel.finish()


def _draw(kernel: KernelBuilder[DrawArguments]) -> None:
    b, args = kernel.ir, kernel.arguments
    with kernel.shared_loop(kernel.index(1)):
        top = kernel.broadcast(_largest(kernel, args.scores, args.width))
        best, where = Variable(kernel, kernel.floats(-1.0)), Variable(kernel, kernel.ints(0))
        with kernel.loop(args.width, LANES) as n:
            weight = exp(kernel, b.fsub(kernel.load(FLOATS, args.scores, n), top))
            ratio = b.fdiv(weight, kernel.load(FLOATS, args.noise, n))
            # 0 / 0 is not a number.
            ratio = b.select(_positive(kernel, weight), ratio, kernel.floats(-1.0))
            is_better = b.fcmp_ordered(">", ratio, best.get())
            here = b.add(kernel.broadcast(b.trunc(n, INT)), kernel.ints(range(LANES)))
            where.set(b.select(is_better, here, where.get()))
            best.set(b.select(is_better, ratio, best.get()))
        equal = b.fcmp_ordered("==", best.get(), kernel.broadcast(kernel.largest(best.get())))
        lowest = b.select(equal, where.get(), kernel.ints(2**31 - 1))
        index = kernel.call(f"llvm.vector.reduce.smin.v{LANES}i32", INT, lowest)
        kernel.store(b.zext(index, INDEX), args.out, kernel.index(0))
    kernel.finish()


def _largest(kernel: Kernel, scores: ir.Value, width: ir.Value) -> ir.Value:
    most = Variable(kernel, kernel.load(FLOATS, scores, kernel.index(0)))
    with kernel.loop(width, LANES) as n:
        most.set(kernel.call(f"llvm.maxnum.v{LANES}f32", FLOATS, most.get(), kernel.load(FLOATS, scores, n)))
    return kernel.largest(most.get())


def _positive(kernel: Kernel, weight: ir.Value) -> ir.Value:
    return kernel.ir.fcmp_ordered(">", weight, kernel.floats(0.0))
