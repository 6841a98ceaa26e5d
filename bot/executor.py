"""Work that keeps the processor busy, above all pictures, off the event loop.

One piece at a time. Python runs one thread at a time, and after every read and write the
event loop has to wait for its turn again, behind each thread that computes.
"""

from __future__ import annotations

import asyncio
import contextvars
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import ParamSpec, TypeVar

from bot.queue.limits import Asker, Limits
from bot.queue.turns import Place, Turns

Given = ParamSpec("Given")
Result = TypeVar("Result")

# Seconds that a thread may compute while another waits; Python's default is 5 ms.
TURN = 0.0005

_LIMITS = Limits(max_running=1, max_waiting=500, per_person=100, deadline=600.0)


class Executor:
    """One thread, started with the first piece of work, and the fair line before it.

    A cancelled wait does no harm.
    """

    def __init__(self, limits: Limits = _LIMITS, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.refused = Counter[str]()  # by the name of the error
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="executor")
        self._turns = Turns(limits.one_at_a_time(), clock=clock, refused=self.refused)

    def check(self, asker: Asker) -> None:
        """Raise what :meth:`place` would raise now."""
        self._turns.check(asker)

    def place(self, asker: Asker, *, promised: bool = False) -> AbstractAsyncContextManager[Place]:
        """As :meth:`bot.queue.turns.Turns.place`."""
        return self._turns.place(asker, promised=promised)

    async def run(
        self, place: Place, work: Callable[Given, Result], *args: Given.args, **options: Given.kwargs
    ) -> Result:
        """Run ``work`` in the thread when it is the place's turn; return or raise what it does."""
        context = contextvars.copy_context()
        piece = partial(context.run, work, *args, **options)
        loop = asyncio.get_running_loop()
        return await self._turns.take(place, partial(loop.run_in_executor, self._thread, piece))

    def close(self) -> None:
        """Refuse new work with ShuttingDown; admitted and promised work goes on."""
        self._turns.close()

    def end(self) -> None:
        """End everything with ShuttingDown. The thread finishes its piece, which is discarded."""
        self._turns.end()


def take_short_turns() -> None:
    """Keep threads of this process from holding up the event loop longer than they must."""
    sys.setswitchinterval(TURN)
