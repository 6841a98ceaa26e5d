"""Several functions, one after the other, each by all threads.

Starting threads and coming back to Python takes longer than some of the functions.
"""

from __future__ import annotations

from llvmlite import ir

from bot.model.kernels.builder import POINTER, WORD, Code

NAME = "sequence"

#: What the function takes: ``calls`` [count, 2], the addresses of a function and of its
#: words, and the address of a function at which the threads wait for each other.
ARGUMENTS = ("calls", "count", "barrier")


def write_sequence(module: ir.Module) -> None:
    """Add the function to ``module``."""
    code = Code(module, NAME, len(ARGUMENTS))
    b = code.builder
    function, barrier = (ir.FunctionType(ir.VoidType(), words).as_pointer() for words in ([POINTER], []))
    calls, (_, count, wait) = code.pointer(0), code.arguments
    with code.loop(count) as n:
        place = b.mul(n, code.word(2))
        address, words = (code.load(WORD, calls, b.add(place, code.word(part))) for part in (0, 1))
        b.call(b.inttoptr(address, function), [b.inttoptr(words, POINTER)])
        b.call(b.inttoptr(wait, barrier), [])
    code.finish()
