"""Requesters of the queue who read, stop and leave at random, and note everything that goes wrong."""

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
PAUSE = 0.3  # seconds at most before a refused requester tries again


@dataclass
class Observed:
    """What became of every request; ``wrong`` has a sentence for each thing that should not have happened."""

    requested: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)  # of admitted requests, delivered or not
    delivered: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)  # of those that failed, by what was said of it
    left: int = 0  # streams left before their outcome
    wrong: list[str] = field(default_factory=list)


def category(outcome: Outcome) -> str:
    """The name under which the queue counts ``outcome``."""
    if isinstance(outcome, Finished):
        return "cancelled" if outcome.completion.finish_reason == "cancelled" else "finished"
    return "expired" if type(outcome).__name__ == "DeadlineExceeded" else "failed"


class Requesters:
    """``poison`` is the chance of a request that kills its worker; texts have up to ``longest`` tokens."""

    def __init__(
        self, queue: GenerationQueue, rng: random.Random, *, poison: float = 0.0, longest: int = LONGEST
    ) -> None:
        self._longest = longest
        self.observed = Observed()
        self._queue = queue
        self._rng = rng
        self._weights = (0.7, 0.12, 0.15, 0.03, poison)
        self._left_to_ask = 0

    async def ask(self, requests: int) -> None:
        """Make ``requests`` requests; return once each has ended."""
        self._left_to_ask = requests
        async with asyncio.TaskGroup() as group:
            for number in range(PEOPLE):
                # Every fourth makes several at a time, and so reaches the limit per person.
                for _ in range(1 if number % 4 else 3):
                    group.create_task(self._person(Asker(number, number % SERVERS or None)))

    def stop(self) -> None:
        """Make no further requests."""
        self._left_to_ask = 0

    async def _person(self, asker: Asker) -> None:
        while self._left_to_ask:
            self._left_to_ask -= 1
            self.observed.requested += 1
            request = self._request(f"r{self.observed.requested}")
            try:
                async with self._queue.stream(request, asker=asker) as updates:
                    await self._follow(updates, request, asker)
            except UnavailableError as refusal:
                self.observed.refused[type(refusal).__name__] += 1
                await asyncio.sleep(self._rng.uniform(0, PAUSE))
            else:
                self._close(updates, request)

    def _request(self, name: str) -> GenerationRequest:
        (kind,) = self._rng.choices(KINDS, self._weights)
        first = {"reject": REJECTED, "poison": POISON}.get(kind, 1)
        steps = max(3, self._longest) if kind == "poison" else self._rng.randint(0, self._longest)
        params = SamplingParams(max_new_tokens=steps, seed=self._rng.getrandbits(32))
        return GenerationRequest(f"{kind} {name}", (first, 1), params)

    async def _follow(self, updates: AsyncIterator[Update], request: GenerationRequest, asker: Asker) -> None:
        """Read to the end, or stop or leave early. Never raises the request's own error."""
        kind = request.request_id.split()[0]
        enough = self._rng.randint(0, 4) if kind in ("stop", "leave") else -1
        seen: tuple[int, ...] = ()
        while True:
            if enough == 0 and kind == "leave":
                self.observed.left += 1
                return
            if enough == 0:
                self._stop(request, asker)
            enough -= 1
            try:
                update = await anext(updates)
            except UnavailableError as error:
                await self._count_end(updates, request, error)
                return
            if isinstance(update, Finished):
                self._check(request, seen, update)
                await self._count_end(updates, request, update)
                return
            seen = self._check(request, seen, update)

    def _stop(self, request: GenerationRequest, asker: Asker) -> None:
        with suppress(NotRunning):  # it has just ended, which is read next
            self._queue.cancel(request.request_id, owner=asker.person)

    def _check(self, request: GenerationRequest, seen: tuple[int, ...], update: Update) -> tuple[int, ...]:
        """Return the token ids so far; they must be those of the script, and never become fewer."""
        if isinstance(update, Queued):
            return seen
        steps = update.steps if isinstance(update, Progress) else update.completion.steps
        said = tuple(step.chosen.token_id for step in steps)
        expected = tuple(scripted_step(request, index).chosen.token_id for index in range(request.steps))
        whole = isinstance(update, Finished) and update.completion.finish_reason != "cancelled"
        if said != expected[: len(said)] or len(said) < len(seen) or (whole and said != expected):
            self._complain(request, f"got {said} of {expected} after {seen}")
        return said

    async def _count_end(
        self, updates: AsyncIterator[Update], request: GenerationRequest, end: Outcome
    ) -> None:
        """Count an outcome; nothing may follow it."""
        self.observed.delivered[category(end)] += 1
        if isinstance(end, TokenwiseError):
            self.observed.failures[getattr(end, "detail", type(end).__name__)] += 1
        try:
            more = await anext(updates)
        except StopAsyncIteration:
            return
        except TokenwiseError as error:
            self._complain(request, f"it ended with {end!r} and then with {error!r}")
        else:
            self._complain(request, f"it ended with {end!r} and went on with {more!r}")

    def _close(self, updates: AsyncIterator[Update], request: GenerationRequest) -> None:
        """Count the outcome of a closed stream, whether or not anyone read it."""
        assert isinstance(updates, Ticket)
        if updates.outcome is None:
            self._complain(request, "it was left without an outcome")
        else:
            self.observed.outcomes[category(updates.outcome)] += 1

    def _complain(self, request: GenerationRequest, what: str) -> None:
        self.observed.wrong.append(f"{request.request_id}: {what}")
