"""Elementary functions of vectors, built of operations that every processor rounds alike."""

from __future__ import annotations

import math
from typing import Any

from llvmlite import ir

from bot.model.kernels.builder import DOUBLES, FLOATS, HALVES, INTS, LONGS, KernelBuilder

# Up to this exponent, exp(x) and exp(-x) are normal float32; below its negative, exp returns 0.
_LARGEST_EXPONENT = 87.3

# From here on, every float32 is an integer.
_NO_FRACTIONS = 1.5 * 2**23

# exp(r) = 1 + r + r²·p(r) for |r| ≤ ln 2 / 2: the coefficients of Cephes' expf
# (https://www.netlib.org/cephes/), highest power first.
_EXP = (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1)
# ln 2 in two parts. The first has few digits, which makes its products exact.
_LN_2 = (0.693359375, -2.12194440e-4)

# ln(1 + f) by s = f / (2 + f): the coefficients of FreeBSD's e_log.c (https://www.netlib.org/fdlibm/),
# lowest power first, and ln 2 in two parts.
_LOG = (
    6.666666666666735130e-01,
    3.999999999940941908e-01,
    2.857142874366239149e-01,
    2.222219843214978396e-01,
    1.818357216161805012e-01,
    1.531383769920937332e-01,
    1.479819860511658591e-01,
)
_LN_2_DOUBLE = (6.93147180369123816490e-01, 1.90821492927058770002e-10)
_MANTISSA = 52  # bits of a double's fraction
_BIAS = 1023
_ONE = _BIAS << _MANTISSA
_ROOT_HALF = 0x3FE6A09E << 32  # the bits of √½, but for the last

Kernel = KernelBuilder[Any]


def nearest(kernel: Kernel, x: ir.Value, factor: ir.Value, offset: int = 0) -> tuple[ir.Value, ir.Value]:
    """The integer nearest to x · factor, plus ``offset``: as a vector of float32, and in the low bits.

    The integer must be below 2²² in magnitude; at least the lowest nine bits are good. A sum with
    1.5 · 2²³ has no room for a fraction (LLVM's own conversion works number by number).
    """
    room = kernel.floats(_NO_FRACTIONS + offset)
    moved = kernel.fma(x, factor, room)
    return kernel.ir.fsub(moved, kernel.floats(_NO_FRACTIONS)), kernel.ir.bitcast(moved, INTS)


def bfloat16(kernel: Kernel, x: ir.Value) -> ir.Value:
    """A vector of float32 rounded to bfloat16, which are the upper halves of the result."""
    b, sixteen = kernel.ir, kernel.ints(16)
    bits = b.bitcast(x, INTS)
    # Half a unit in the last place, or a little less where that place is even.
    half = b.add(kernel.ints(0x7FFF), b.and_(b.lshr(bits, sixteen), kernel.ints(1)))
    # NaN would overflow.
    rounded = b.select(b.fcmp_unordered("uno", x, x), bits, b.add(bits, half))
    return b.bitcast(b.and_(rounded, kernel.ints(0xFFFF0000)), FLOATS)


def halved(kernel: Kernel, x: ir.Value) -> ir.Value:
    """The upper halves of a vector of float32, as 16-bit integers."""
    b = kernel.ir
    return b.trunc(b.lshr(b.bitcast(x, INTS), kernel.ints(16)), HALVES)


def widened(kernel: Kernel, halves: ir.Value) -> ir.Value:
    """The vector of float32 with these upper halves and nothing below."""
    b = kernel.ir
    return b.bitcast(b.shl(b.zext(halves, INTS), kernel.ints(16)), FLOATS)


def exp(kernel: Kernel, x: ir.Value) -> ir.Value:
    """eˣ of a vector to within two units in the last place; 0 below -87.3, e^87.3 above 87.3."""
    b = kernel.ir
    small = b.fcmp_ordered("<", x, kernel.floats(-_LARGEST_EXPONENT))
    # Comparisons with NaN are false, so NaN stays NaN.
    large = b.fcmp_ordered(">", x, kernel.floats(_LARGEST_EXPONENT))
    x = b.select(large, kernel.floats(_LARGEST_EXPONENT), x)
    x = b.select(small, kernel.floats(-_LARGEST_EXPONENT), x)
    power, exponent = nearest(kernel, x, kernel.floats(math.log2(math.e)))
    rest = x
    for part in _LN_2:
        rest = kernel.fma(power, kernel.floats(-part), rest)
    series = kernel.floats(_EXP[0])
    for coefficient in _EXP[1:]:
        series = kernel.fma(series, rest, kernel.floats(coefficient))
    series = kernel.fma(b.fmul(rest, rest), series, b.fadd(rest, kernel.floats(1.0)))
    scale = b.bitcast(b.shl(b.add(exponent, kernel.ints(127)), kernel.ints(23)), FLOATS)
    return b.select(small, kernel.floats(0.0), b.fmul(series, scale))


def log(kernel: Kernel, x: ir.Value) -> ir.Value:
    """ln x of a vector of doubles to within a unit in the last place; x must be positive and normal."""
    b = kernel.ir
    # x = 2ᵏ · (1 + f) with √½ ≤ 1 + f < √2.
    moved = b.add(b.bitcast(x, LONGS), kernel.longs(_ONE - _ROOT_HALF))
    exponent = b.sub(b.lshr(moved, kernel.longs(_MANTISSA)), kernel.longs(_BIAS))
    k = b.sitofp(b.trunc(exponent, INTS), DOUBLES)
    fraction = b.and_(moved, kernel.longs((1 << _MANTISSA) - 1))
    f = b.fsub(b.bitcast(b.add(fraction, kernel.longs(_ROOT_HALF)), DOUBLES), kernel.doubles(1.0))
    s = b.fdiv(f, b.fadd(f, kernel.doubles(2.0)))
    square = b.fmul(s, s)
    series = kernel.doubles(_LOG[-1])
    for coefficient in reversed(_LOG[:-1]):
        series = kernel.fma(series, square, kernel.doubles(coefficient))
    half = b.fmul(b.fmul(f, f), kernel.doubles(0.5))
    high, low = (kernel.doubles(part) for part in _LN_2_DOUBLE)
    small = kernel.fma(s, kernel.fma(series, square, half), b.fmul(k, low))
    return b.fadd(b.fmul(k, high), b.fsub(f, b.fsub(half, small)))


def gelu(kernel: Kernel, x: ir.Value) -> ir.Value:
    """GELU, approximated with tanh (Hendrycks and Gimpel 2016, https://arxiv.org/abs/1606.08415).

    (1 + tanh u) / 2 is 1 / (1 + e^(-2u)).
    """
    b = kernel.ir
    cubic = kernel.fma(b.fmul(x, x), kernel.floats(0.044715), kernel.floats(1.0))
    minus_2u = b.fmul(b.fmul(x, kernel.floats(-2 * math.sqrt(2 / math.pi))), cubic)
    return b.fdiv(x, b.fadd(kernel.floats(1.0), exp(kernel, minus_2u)))
