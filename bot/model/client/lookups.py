"""Which lookups a worker has yet to get or to answer, and what its death means for them.

Synchronous bookkeeping for :mod:`bot.model.client.process`; no process, no pipe. Those made
between two workers wait for the next one. Unlike requests, lookups that a worker had are not
sent again: one of them may have been what ended it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Set

from bot.errors import GenerationFailed, QueueFull
from bot.model.client.readiness import Failure
from bot.model.protocol import Alike, Lookup, Similar

AT_MOST = 32
RETRY_AFTER = 5.0  # seconds

Answer = asyncio.Future[tuple[Alike, ...]]


class Lookups:
    """All lookups that wait for an answer."""

    def __init__(self) -> None:
        self._answers: dict[str, Answer] = {}
        self._unsent: list[Lookup] = []
        self._asked = 0

    def ask(self, token_id: int, count: int) -> Answer:
        """Note a lookup to be sent, and return the future of its answer; QueueFull if too many wait."""
        if len(self._answers) >= AT_MOST:
            raise QueueFull(waiting=len(self._answers), retry_after=RETRY_AFTER)
        self._asked += 1
        lookup = Lookup(f"lookup {self._asked}", token_id, count)
        answer = self._answers[lookup.lookup_id] = asyncio.get_running_loop().create_future()
        self._unsent.append(lookup)
        return answer

    def submit(self) -> list[Lookup]:
        """Return the lookups to send to the worker now: those that none has had, if anyone still waits."""
        unsent, self._unsent = self._unsent, []
        wanted = [lookup for lookup in unsent if not self._answers[lookup.lookup_id].done()]
        for lookup in unsent:
            if lookup not in wanted:
                del self._answers[lookup.lookup_id]
        return wanted

    def heard(self, message: Similar) -> None:
        answer = self._answers.pop(message.lookup_id, None)
        if answer is None or answer.done():  # the caller may have gone
            return
        if message.tokens is None:
            answer.set_exception(GenerationFailed("the worker could not look up a token"))
        else:
            answer.set_result(message.tokens)

    def worker_died(self) -> None:
        """Fail the lookups that the worker had."""
        unsent = {lookup.lookup_id for lookup in self._unsent}
        self._fail(
            self._answers.keys() - unsent,
            lambda: GenerationFailed("the worker died while it looked up a token"),
        )

    def fail_all(self, failure: Callable[[], Failure]) -> None:
        self._unsent = []
        self._fail(set(self._answers), failure)

    def _fail(self, lookup_ids: Set[str], failure: Callable[[], Failure]) -> None:
        for lookup_id in lookup_ids:
            answer = self._answers.pop(lookup_id)
            if not answer.done():
                answer.set_exception(failure())
