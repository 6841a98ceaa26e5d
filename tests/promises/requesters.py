"""People who ask the queue, read, stop and leave at random, and notice everything that is wrong."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from bot.errors import NotRunning, TokenwiseError, UnavailableError
from bot.model.protocol import GenerationRequest, SamplingParams
from bot.queue.limits import Asker
from bot.queue.queue import GenerationQueue
from bot.queue.ticket import Ticket
from bot.queue.updates import Finished, Outcome, Progress, Queued, Update
from tests.fakes.scripted_worker import POISON, REJECTED, scripted_step

Kind = Literal["read", "stop", "leave", "reject", "poison"]
KINDS: tuple[Kind, ...] = ("read", "stop", "leave", "reject", "poison")
PEOPLE, SERVERS = 40, 5
LONGEST = 6  # tokens
PAUSE = 0.3  # seconds, at most, before who was refused comes again


@dataclass
class Found:
    """What became of every request, and sentences for what should not have been."""

    asked: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)  # of those admitted, told or not
    told: Counter[str] = field(default_factory=Counter)
    left: int = 0  # before they were told
    wrong: list[str] = field(default_factory=list)


def category(outcome: Outcome) -> str:
    """As Accounts counts them."""
    if isinstance(outcome, Finished):
        return "cancelled" if outcome.completion.finish_reason == "cancelled" else "finished"
    return "expired" if type(outcome).__name__ == "DeadlineExceeded" else "failed"


class Askers:
    """They ask ``requests`` times in all; ``poison`` is the chance of a request that kills its worker."""

    def __init__(self, queue: GenerationQueue, rng: random.Random, *, poison: float = 0.0) -> None:
        self.found = Found()
        self._queue = queue
        self._rng = rng
        self._weights = (0.7, 0.12, 0.15, 0.03, poison)
        self._left_to_ask = 0

    async def ask(self, requests: int) -> None:
        """Return once so many were asked, and each has ended."""
        self._left_to_ask = requests
        async with asyncio.TaskGroup() as group:
            for number in range(PEOPLE):
                # Every fourth asks for several at a time, and so meets the limit of people.
                for _ in range(1 if number % 4 else 3):
                    group.create_task(self._person(Asker(number, number % SERVERS or None)))

    async def _person(self, asker: Asker) -> None:
        while self._left_to_ask:
            self._left_to_ask -= 1
            self.found.asked += 1
            request = self._request(f"r{self.found.asked}")
            try:
                async with self._queue.stream(request, asker=asker) as updates:
                    await self._follow(updates, request, asker)
            except UnavailableError as refusal:
                self.found.refused[type(refusal).__name__] += 1
                await asyncio.sleep(self._rng.uniform(0, PAUSE))
            else:
                self._close(updates, request)

    def _request(self, name: str) -> GenerationRequest:
        (kind,) = self._rng.choices(KINDS, self._weights)
        first = {"reject": REJECTED, "poison": POISON}.get(kind, 1)
        steps = max(3, LONGEST) if kind == "poison" else self._rng.randint(0, LONGEST)
        params = SamplingParams(max_new_tokens=steps, seed=self._rng.getrandbits(32))
        return GenerationRequest(f"{kind} {name}", (first, 1), params)

    async def _follow(self, updates: AsyncIterator[Update], request: GenerationRequest, asker: Asker) -> None:
        """Read to the end, or until this one has enough; raises nothing of the request's own."""
        kind = request.request_id.split()[0]
        enough = self._rng.randint(0, 4) if kind in ("stop", "leave") else -1
        seen: tuple[int, ...] = ()
        while True:
            if enough == 0 and kind == "leave":
                self.found.left += 1
                return
            if enough == 0:
                self._stop(request, asker)
            enough -= 1
            try:
                update = await anext(updates)
            except UnavailableError as error:
                await self._told(updates, request, error)
                return
            if isinstance(update, Finished):
                self._check(request, seen, update)
                await self._told(updates, request, update)
                return
            seen = self._check(request, seen, update)

    def _stop(self, request: GenerationRequest, asker: Asker) -> None:
        with suppress(NotRunning):  # it has ended meanwhile, which is read next
            self._queue.cancel(request.request_id, owner=asker.person)

    def _check(self, request: GenerationRequest, seen: tuple[int, ...], update: Update) -> tuple[int, ...]:
        """What was written by now; it must be what the model says, and never become less."""
        if isinstance(update, Queued):
            return seen
        steps = update.steps if isinstance(update, Progress) else update.completion.steps
        said = tuple(step.chosen.token_id for step in steps)
        expected = tuple(scripted_step(request, index).chosen.token_id for index in range(request.steps))
        whole = isinstance(update, Finished) and update.completion.finish_reason != "cancelled"
        if said != expected[: len(said)] or len(said) < len(seen) or (whole and said != expected):
            self._complain(request, f"{said} was said of {expected} after {seen}")
        return said

    async def _told(self, updates: AsyncIterator[Update], request: GenerationRequest, end: Outcome) -> None:
        """Count an end, after which there must be nothing."""
        self.found.told[category(end)] += 1
        try:
            more = await anext(updates)
        except StopAsyncIteration:
            return
        except TokenwiseError as error:
            self._complain(request, f"it ended with {end!r} and then with {error!r}")
        else:
            self._complain(request, f"it ended with {end!r} and went on with {more!r}")

    def _close(self, updates: AsyncIterator[Update], request: GenerationRequest) -> None:
        """Count what was decided of a stream that was left, whether or not it was read."""
        assert isinstance(updates, Ticket)
        if updates.outcome is None:
            self._complain(request, "it was left without an outcome")
        else:
            self.found.outcomes[category(updates.outcome)] += 1

    def _complain(self, request: GenerationRequest, what: str) -> None:
        self.found.wrong.append(f"{request.request_id}: {what}")
