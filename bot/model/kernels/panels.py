"""How a product's panels are shared out to threads: several at a time, which are as many streams of memory.

A thread that reads four panels at once, each in order, gets up to a fifth more of memory than one that
reads them in turn, and as much as one that does nothing but read. The processor prefetches them by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir

from bot.model.kernels.builder import KernelBuilder
from bot.model.kernels.processor import Processor

_MOST = 4


def panels_at_once(rows: int, processor: Processor) -> int:
    """How many panels' sums of ``rows`` rows fit into the registers: up to ``_MOST``."""
    return min(_MOST, processor.rows // rows)


def share_out(
    kernel: KernelBuilder[Any], count: ir.Value, at_once: int, take: Callable[[ir.Value, int], None]
) -> None:
    """Build a loop over ``count`` panels, in which ``take`` builds what a thread does.

    ``take`` gets the number of the first panel, and how many there are: ``at_once`` or a single one.
    Each thread has equally many groups, so that none waits long for the others. The panels that are left
    are taken one by one.
    """
    b = kernel.ir
    if at_once == 1:
        with kernel.shared_loop(count) as panel:
            take(panel, 1)
        return
    size = kernel.index(at_once)
    groups = b.mul(b.sdiv(count, b.mul(kernel.threads, size)), kernel.threads)
    left = b.sub(count, b.mul(groups, size))
    with kernel.shared_loop(b.add(groups, left)) as task:
        is_group = b.icmp_signed("<", task, groups)
        with b.if_else(is_group) as (group, single):
            with group:
                take(b.mul(task, size), at_once)
            with single:
                take(b.add(b.mul(groups, size), b.sub(task, groups)), 1)
