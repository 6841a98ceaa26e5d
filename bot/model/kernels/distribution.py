"""What a row of logits says of the next token: its distribution, its unlikely tokens, a draw from it.

A score is a logit over the temperature, or the largest float32 where that would overflow. A token's weight is
exp(score - the largest) in float32, its probability that over the sum of all weights. Sums are ``LANES``
chains of doubles over the vectors of a row, added up in order. What is missing in the last vector counts as
-inf, which adds nothing.
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
    INTS,
    LANES,
    KernelBuilder,
    KernelModule,
    Variable,
)
from bot.model.kernels.functions import Kernel, exp, log

#: What ``MEASURE`` finds of a row: the largest score, the logarithm of the sum of the weights, the
#: entropy in bits, and how many logits are larger than the chosen token's.
MEASURES = 4

#: Vectors of a block: of each lane of a block, ``SURVEY`` finds the largest logit.
BLOCK = 32

_LARGEST = 3.4028234663852886e38


@dataclass(kw_only=True)
class SurveyArguments(Arguments):
    logits: Float32s  # [rows, stride]
    rows: int
    stride: int
    count: int  # of logits in a row
    blocks: int
    largest: Float32s  # [rows, blocks, LANES], -inf where a lane of a block has no logit


@dataclass(kw_only=True)
class MeasureArguments(Arguments):
    logits: Float32s  # [rows, stride]
    rows: int
    stride: int
    count: int  # of logits in a row
    width: int  # that, rounded up to whole vectors
    temperatures: Float32s  # [rows]
    chosen: Int64s  # [rows]
    scores: Float32s  # room for each thread: [threads, width]
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
    logits: Float32s  # [count]
    count: int
    width: int  # that, rounded up to whole vectors
    temperature: float
    least: float  # lower scores are left out
    noise: Float32s  # [width], variates of the exponential distribution
    scores: Float32s  # room for [width]
    out: Int64s  # the index with the largest weight over noise, the lowest of several


SURVEY = Signature("survey", SurveyArguments)
MEASURE = Signature("measure", MeasureArguments)
NUCLEUS = Signature("nucleus", NucleusArguments)
DRAW = Signature("draw", DrawArguments)


def write_distribution(module: KernelModule) -> None:
    """Add ``SURVEY``, ``MEASURE``, ``NUCLEUS`` and ``DRAW`` to ``module``."""
    _survey(KernelBuilder(module, SURVEY))
    _measure(KernelBuilder(module, MEASURE))
    _nucleus(KernelBuilder(module, NUCLEUS))
    _draw(KernelBuilder(module, DRAW))


def _survey(kernel: KernelBuilder[SurveyArguments]) -> None:
    b, args = kernel.ir, kernel.arguments
    whole = b.sub(args.count, b.srem(args.count, kernel.index(LANES)))
    size = kernel.index(BLOCK * LANES)
    with kernel.shared_loop(args.rows) as row:
        logits = kernel.at(args.logits, FLOAT, b.mul(row, args.stride))
        largest = kernel.at(args.largest, FLOAT, b.mul(b.mul(row, args.blocks), kernel.index(LANES)))
        with kernel.loop(args.blocks) as block:
            first = b.mul(block, size)
            left = b.sub(whole, first)
            most = Variable(kernel, kernel.floats(-math.inf))
            with kernel.loop(b.select(b.icmp_signed("<", left, size), left, size), LANES) as n:
                these = kernel.load(FLOATS, logits, b.add(first, n))
                most.set(kernel.call(f"llvm.maxnum.v{LANES}f32", FLOATS, most.get(), these))
            kernel.store(most.get(), largest, b.mul(block, kernel.index(LANES)))
        # The last logits fill no vector.
        last = b.mul(b.sub(args.blocks, kernel.index(1)), kernel.index(LANES))
        with kernel.loop(b.sub(args.count, whole)) as lane:
            place, logit = b.add(last, lane), kernel.load(FLOAT, logits, b.add(whole, lane))
            before = kernel.load(FLOAT, largest, place)
            kernel.store(kernel.call("llvm.maxnum.f32", FLOAT, before, logit), largest, place)
    kernel.finish()


def _score(
    kernel: Kernel,
    logits: ir.Value,
    count: ir.Value,
    width: ir.Value,
    temperature: ir.Value,
    scores: ir.Value,
) -> None:
    """Store the ``scores`` [width] of ``count`` logits."""
    b = kernel.ir
    whole = b.sub(count, b.srem(count, kernel.index(LANES)))
    most = kernel.scalar(_LARGEST)
    divisor, limits = kernel.broadcast(temperature), kernel.broadcast(most)
    with kernel.loop(whole, LANES) as n:
        quotient = b.fdiv(kernel.load(FLOATS, logits, n), divisor)
        kernel.store(kernel.call(f"llvm.minnum.v{LANES}f32", FLOATS, quotient, limits), scores, n)
    with kernel.loop(b.sub(width, whole), LANES):
        kernel.store(kernel.floats(-math.inf), scores, whole)
    with kernel.loop(b.sub(count, whole)) as n:
        place = b.add(whole, n)
        quotient = b.fdiv(kernel.load(FLOAT, logits, place), temperature)
        kernel.store(kernel.call("llvm.minnum.f32", FLOAT, quotient, most), scores, place)


def _measure(kernel: KernelBuilder[MeasureArguments]) -> None:
    b, args = kernel.ir, kernel.arguments
    scores = kernel.per_thread(args.scores, FLOAT, args.width)
    with kernel.shared_loop(args.rows) as row:
        logits = kernel.at(args.logits, FLOAT, b.mul(row, args.stride))
        _score(kernel, logits, args.count, args.width, kernel.load(FLOAT, args.temperatures, row), scores)
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
        above = b.sitofp(_above(kernel, logits, kernel.load(INDEX, args.chosen, row)), DOUBLE)
        place = b.mul(row, kernel.index(MEASURES))
        first = ir.Constant(INT, 0)
        found = (b.fpext(top, DOUBLE), *(b.extract_element(v, first) for v in (logarithm, entropy)), above)
        for n, value in enumerate(found):
            kernel.store(value, args.found, b.add(place, kernel.index(n)))
    kernel.finish()


def _above(kernel: KernelBuilder[MeasureArguments], logits: ir.Value, chosen: ir.Value) -> ir.Value:
    """How many of a row's logits are larger than that of ``chosen``."""
    b, args = kernel.ir, kernel.arguments
    logit = kernel.load(FLOAT, logits, chosen)
    whole = b.sub(args.count, b.srem(args.count, kernel.index(LANES)))
    counts, count = Variable(kernel, kernel.ints(0)), Variable(kernel, ir.Constant(INT, 0))
    with kernel.loop(whole, LANES) as n:
        larger = b.fcmp_ordered(">", kernel.load(FLOATS, logits, n), kernel.broadcast(logit))
        counts.set(b.add(counts.get(), b.zext(larger, INTS)))
    with kernel.loop(b.sub(args.count, whole)) as n:
        larger = b.fcmp_ordered(">", kernel.load(FLOAT, logits, b.add(whole, n)), logit)
        count.set(b.add(count.get(), b.zext(larger, INT)))
    return b.add(count.get(), kernel.call(f"llvm.vector.reduce.add.v{LANES}i32", INT, counts.get()))


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
        _score(kernel, args.logits, args.count, args.width, args.temperature, args.scores)
        top = kernel.broadcast(_largest(kernel, args.scores, args.width))
        best, where = Variable(kernel, kernel.floats(-1.0)), Variable(kernel, kernel.ints(0))
        with kernel.loop(args.width, LANES) as n:
            score = kernel.load(FLOATS, args.scores, n)
            weight = exp(kernel, b.fsub(score, top))
            ratio = b.fdiv(weight, kernel.load(FLOATS, args.noise, n))
            is_left = b.fcmp_ordered(">=", score, kernel.broadcast(args.least))
            # 0 / 0 is not a number.
            ratio = b.select(b.and_(_positive(kernel, weight), is_left), ratio, kernel.floats(-1.0))
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
