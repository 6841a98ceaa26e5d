"""What takes the processor for long, done aside from the event loop: pictures, above all.

One piece after another, however many are asked for. Python runs one thread at a
time, and whenever the event loop has read or written something it has to wait for
its turn again, behind every thread that computes.
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

from bot.queue.limits import Asker
from bot.queue.turns import Place, Turns

Given = ParamSpec("Given")
Result = TypeVar("Result")

# Seconds for which a thread may compute while another waits; 5 ms unless it is set.
TURN = 0.0005


class Executor:
    """One thread, which begins with the first piece of work, and the fair line before it.

    The limits are those of :class:`bot.queue.turns.Turns`. A cancelled wait is no harm.
    """

    def __init__(
        self,
        *,
        places: int = 500,
        per_person: int = 100,
        per_server: int | None = None,
        deadline: float = 600.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.refused = Counter[str]()  # as those of Turns
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="aside")
        self._turns = Turns(
            slots=1,
            places=places,
            per_person=per_person,
            per_server=per_server,
            deadline=deadline,
            clock=clock,
            refused=self.refused,
        )

    def check(self, asker: Asker) -> None:
        """Raise what :meth:`place` would now."""
        self._turns.check(asker)

    def place(self, asker: Asker, *, promised: bool = False) -> AbstractAsyncContextManager[Place]:
        """As :meth:`bot.queue.turns.Turns.place`."""
        return self._turns.place(asker, promised=promised)

    async def run(
        self, place: Place, work: Callable[Given, Result], *args: Given.args, **options: Given.kwargs
    ) -> Result:
        """What ``work`` returns or raises, begun once it is the place's turn."""
        context = contextvars.copy_context()
        piece = partial(context.run, work, *args, **options)
        loop = asyncio.get_running_loop()
        return await self._turns.take(place, partial(loop.run_in_executor, self._thread, piece))

    def close(self) -> None:
        """Refuse what comes from now on with ShuttingDown; what was admitted or promised goes on."""
        self._turns.close()

    def end(self) -> None:
        """End everything with ShuttingDown. What the thread is at goes on, for no one."""
        self._turns.end()


def take_short_turns() -> None:
    """Let no thread of this process keep the event loop waiting for longer than it has to."""
    sys.setswitchinterval(TURN)
