"""Rows of numbers → rows of bytes, each with a step of its own.

A row's step is its largest number without sign over 127, and a byte is the number of
steps, rounded to the nearest, plus 128: 0 is 128, and nothing falls outside of a byte.
"""

from __future__ import annotations

from llvmlite import ir

from bot.model.native.emit import BYTE, FLOAT, FLOATS, LANES, Code, Variable

NAME = "quantize"
LARGEST = 127
ZERO = 128

# Of a row of zeros, so that nothing is divided by 0.
_SMALLEST_STEP = 1e-38

#: What the function takes: counts, and the addresses of ``numbers`` [rows, width] of
#: float32, ``bytes`` of the same shape and ``steps`` [rows] of float32. ``width`` is a
#: multiple of ``LANES``.
ARGUMENTS = ("counter", "numbers", "bytes", "steps", "rows", "width")


def write_quantize(module: ir.Module) -> None:
    """Add the function to ``module``."""
    code = Code(module, NAME, len(ARGUMENTS))
    b = code.builder
    numbers, taken, steps = (code.pointer(ARGUMENTS.index(name)) for name in ("numbers", "bytes", "steps"))
    rows, width = code.arguments[-2:]
    with code.shared_loop(rows) as row:
        place = b.mul(row, width)
        largest = Variable(code, code.floats(0.0))
        with code.loop(width, LANES) as n:
            size = code.call(f"llvm.fabs.v{LANES}f32", FLOATS, code.load(FLOATS, numbers, b.add(place, n)))
            # Unlike maxnum, it lets NaN through: a row with one is to stay one.
            largest.set(code.call(f"llvm.maximum.v{LANES}f32", FLOATS, largest.get(), size))
        most = code.call(f"llvm.vector.reduce.fmaximum.v{LANES}f32", FLOAT, largest.get())
        step = b.fdiv(most, code.number(LARGEST))
        small = b.fcmp_ordered("<", step, code.number(_SMALLEST_STEP))
        step = b.select(small, code.number(_SMALLEST_STEP), step)
        code.store(step, steps, row)
        every = code.spread(step)
        with code.loop(width, LANES) as n:
            count = b.fdiv(code.load(FLOATS, numbers, b.add(place, n)), every)
            # All are positive here, so cutting off the fraction rounds to the nearest.
            whole = code.integers(b.fadd(count, code.floats(ZERO + 0.5)))
            code.store(b.trunc(whole, ir.VectorType(BYTE, LANES)), taken, b.add(place, n))
    code.finish()
