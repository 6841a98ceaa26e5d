"""Which lookups the worker still has to answer, and what its death means for them.

Synchronous bookkeeping for :mod:`bot.model.client.process`; no process, no pipe. Unlike
requests, lookups are not sent again to the next worker: one takes a moment, so
asking again is quicker than waiting for the next worker to load.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bot.errors import GenerationFailed, QueueFull
from bot.model.client.roster import Failure
from bot.model.protocol import Alike, Lookup, Similar

AT_MOST = 32
RETRY_AFTER = 5.0  # seconds

Answer = asyncio.Future[tuple[Alike, ...]]


class Lookups:
    """All lookups that wait for an answer."""

    def __init__(self) -> None:
        self._answers: dict[str, Answer] = {}
        self._asked = 0

    def ask(self, token_id: int, count: int) -> tuple[Lookup, Answer]:
        """Return the message to send and the future of its answer; QueueFull if too many wait already."""
        if len(self._answers) >= AT_MOST:
            raise QueueFull(waiting=len(self._answers), retry_after=RETRY_AFTER)
        self._asked += 1
        lookup = Lookup(f"lookup {self._asked}", token_id, count)
        answer = self._answers[lookup.lookup_id] = asyncio.get_running_loop().create_future()
        return lookup, answer

    def heard(self, message: Similar) -> None:
        answer = self._answers.pop(message.lookup_id, None)
        if answer is None or answer.done():  # the caller may have gone
            return
        if message.tokens is None:
            answer.set_exception(GenerationFailed("the worker could not look up a token"))
        else:
            answer.set_result(message.tokens)

    def worker_died(self) -> None:
        self.fail_all(lambda: GenerationFailed("the worker died while it looked up a token"))

    def fail_all(self, failure: Callable[[], Failure]) -> None:
        answers, self._answers = self._answers, {}
        for answer in answers.values():
            if not answer.done():
                answer.set_exception(failure())
