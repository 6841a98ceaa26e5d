"""Which lookups the worker owes an answer to, and what its death means for them.

Synchronous bookkeeping for :mod:`bot.model.client.process`; no process, no pipe. Unlike a
request, a lookup is not asked again of the next worker: it takes a moment, so who
asked can ask again sooner than the next worker is ready.
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
    """All lookups that wait for their answer."""

    def __init__(self) -> None:
        self._answers: dict[str, Answer] = {}
        self._asked = 0

    def ask(self, token_id: int, count: int) -> tuple[Lookup, Answer]:
        """What to send, and what its answer will come in; QueueFull if too many wait already."""
        if len(self._answers) >= AT_MOST:
            raise QueueFull(waiting=len(self._answers), retry_after=RETRY_AFTER)
        self._asked += 1
        lookup = Lookup(f"lookup {self._asked}", token_id, count)
        answer = self._answers[lookup.lookup_id] = asyncio.get_running_loop().create_future()
        return lookup, answer

    def heard(self, message: Similar) -> None:
        answer = self._answers.pop(message.lookup_id, None)
        if answer is None or answer.done():  # who asked may have gone
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
