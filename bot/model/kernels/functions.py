"""Elementary functions of vectors, built of operations that every processor rounds alike."""

from __future__ import annotations

import math
from typing import Any

from llvmlite import ir

from bot.model.kernels.builder import FLOATS, INTS, KernelBuilder

# Up to this exponent, exp(x) and exp(-x) are normal float32; below its negative, exp returns 0.
_LARGEST_EXPONENT = 87.3

# From here on, every float32 is an integer.
_NO_FRACTIONS = 1.5 * 2**23

# exp(r) = 1 + r + r²·p(r) for |r| ≤ ln 2 / 2: the coefficients of Cephes' expf
# (https://www.netlib.org/cephes/), highest power first.
_EXP = (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1)
# ln 2 in two parts. The first has few digits, which makes its products exact.
_LN_2 = (0.693359375, -2.12194440e-4)

Kernel = KernelBuilder[Any]


def nearest(kernel: Kernel, x: ir.Value, factor: ir.Value, offset: int = 0) -> tuple[ir.Value, ir.Value]:
    """The integer nearest to x · factor, plus ``offset``: as a vector of float32, and in the low bits.

    The integer must be below 2²² in magnitude; at least the lowest nine bits are good. A sum with
    1.5 · 2²³ has no room for a fraction (LLVM's own conversion works number by number).
    """
    room = kernel.floats(_NO_FRACTIONS + offset)
    moved = kernel.fma(x, factor, room)
    return kernel.ir.fsub(moved, kernel.floats(_NO_FRACTIONS)), kernel.ir.bitcast(moved, INTS)


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
