"""Rows of numbers → rows of bytes, each with a step of its own.

A row's step is its largest number without sign over 127, and a byte is the number of
steps, rounded to the nearest, plus 128: 0 is 128, and nothing falls outside of a byte.
"""

from __future__ import annotations

from llvmlite import ir

from bot.model.native.emit import BYTE, FLOAT, FLOATS, INT, INTS, LANES, Code, Variable

NAME = "quantize"
LARGEST = 127
ZERO = 128

# Of a row of zeros, so that nothing is divided by 0.
_SMALLEST_STEP = 1e-38

#: What the function takes: counts, and the addresses of ``numbers`` [rows, width] of
#: float32, ``bytes`` of the same shape and ``steps`` [rows] of float32. ``width`` is a
#: multiple of ``LANES``.
ARGUMENTS = ("numbers", "bytes", "steps", "rows", "width")


def write_quantize(module: ir.Module) -> None:
    """Add the function to ``module``."""
    code = Code(module, NAME, len(ARGUMENTS))
    b = code.builder
    numbers, taken, steps = (code.pointer(ARGUMENTS.index(name)) for name in ("numbers", "bytes", "steps"))
    rows, width = code.arguments[-2:]
    with code.shared_loop(rows) as row:
        place = b.mul(row, width)
        # As integers, the bits of numbers without sign are in the order of the numbers;
        # NaN comes last, so that a row with one stays one.
        largest = Variable(code, code.ints(0))
        with code.loop(width, LANES) as n:
            size = b.and_(code.load(INTS, numbers, b.add(place, n)), code.ints(0x7FFFFFFF))
            largest.set(code.call(f"llvm.umax.v{LANES}i32", INTS, largest.get(), size))
        most = b.bitcast(code.call(f"llvm.vector.reduce.umax.v{LANES}i32", INT, largest.get()), FLOAT)
        step = b.fdiv(most, code.number(LARGEST))
        small = b.fcmp_ordered("<", step, code.number(_SMALLEST_STEP))
        step = b.select(small, code.number(_SMALLEST_STEP), step)
        code.store(step, steps, row)
        steps_in_one = code.spread(b.fdiv(code.number(1.0), step))
        with code.loop(width, LANES) as n:
            _, whole = code.nearest(code.load(FLOATS, numbers, b.add(place, n)), steps_in_one, ZERO)
            code.store(b.trunc(whole, ir.VectorType(BYTE, LANES)), taken, b.add(place, n))
    code.finish()
