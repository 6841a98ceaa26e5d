"""What takes the processor for long, done aside from the event loop: pictures, above all.

One piece after another, however many are asked for. Python runs one thread at a
time, and whenever the event loop has read or written something it has to wait for
its turn again, behind every thread that computes.
"""

from __future__ import annotations

import asyncio
import contextvars
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Result = TypeVar("Result")

# Seconds for which a thread may compute while another waits; 5 ms unless it is set.
TURN = 0.0005


class Aside:
    """One thread, which begins with the first piece of work. Whoever waits for it may be cancelled."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="aside")

    async def run(self, work: Callable[Given, Result], *args: Given.args, **options: Given.kwargs) -> Result:
        """What ``work`` returns or raises."""
        context = contextvars.copy_context()
        piece = partial(context.run, work, *args, **options)
        return await asyncio.get_running_loop().run_in_executor(self._thread, piece)


def take_short_turns() -> None:
    """Let no thread of this process keep the event loop waiting for longer than it has to."""
    sys.setswitchinterval(TURN)
