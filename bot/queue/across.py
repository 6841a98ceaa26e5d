"""The limit on one person's requests, across the processes of one bot: as far as their claims tell.

The queue of each process counts its own. A person on servers of several processes would have the whole limit
in each of them, so a request also takes one of the person's places, which all processes share.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from bot.errors import TooManyRequests, UnavailableError
from bot.model.protocol import GenerationRequest
from bot.queue.generations import Generations, GenerationsWrapper
from bot.queue.limits import Asker
from bot.queue.updates import Update


class Claims(Protocol):
    """Across processes: what is used of :class:`bot.store.process_claims.Claims`."""

    async def take(self, key: str, *, lasting: bool) -> bool: ...

    async def release(self, key: str) -> None: ...


@dataclass(eq=False)
class _Group:
    """Requests that count as one; ``place`` is what they hold, if anything."""

    requests: int = 0
    place: str | None = None
    is_admitted: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class LimitedAcross(GenerationsWrapper):
    """``inner``, whose streams each hold one of ``per_person`` places, as ``claims`` have them.

    ``refused`` is called with the refusals.
    """

    def __init__(
        self,
        inner: Generations,
        claims: Claims,
        *,
        per_person: int,
        refused: Callable[[UnavailableError], object],
    ) -> None:
        super().__init__(inner)
        self._claims = claims
        self._per_person = per_person
        self._refused = refused
        self._groups: dict[int, dict[str, _Group]] = {}

    @asynccontextmanager
    async def stream(
        self, request: GenerationRequest, *, asker: Asker, group: str | None = None
    ) -> AsyncIterator[AsyncIterator[Update]]:
        """The stream of ``inner``; TooManyRequests, too, if other processes have all places of the person."""
        async with (
            self._held(asker, group or request.request_id),
            self._inner.stream(request, asker=asker, group=group) as updates,
        ):
            yield updates

    @asynccontextmanager
    async def _held(self, asker: Asker, name: str) -> AsyncIterator[None]:
        groups = self._groups.setdefault(asker.person, {})
        group = groups.setdefault(name, _Group())
        group.requests += 1
        try:
            async with group.lock:
                if not group.is_admitted:
                    await self._admit(group, asker)
            yield
        finally:
            group.requests -= 1
            if not group.requests:
                await self._leave(group, name, asker.person)

    async def _leave(self, group: _Group, name: str, person: int) -> None:
        """Give the place back. Until it is, the group counts, so that the next one is not refused for it."""
        place, group.place, group.is_admitted = group.place, None, False
        try:
            if place is not None:
                await self._claims.release(place)
        finally:
            if not group.requests:
                self._groups[person].pop(name, None)
                if not self._groups[person]:
                    del self._groups[person]

    async def _admit(self, group: _Group, asker: Asker) -> None:
        # What is too much for this process alone, its queue refuses: it knows when to come back.
        if len(self._groups[asker.person]) <= self._per_person:
            group.place = await self._place(asker.person)
            if group.place is None and not asker.promised:
                error = TooManyRequests(limit=self._per_person, retry_after=None)
                self._refused(error)
                raise error
        group.is_admitted = True

    async def _place(self, person: int) -> str | None:
        """Take one of the person's places that are free; None if there is none."""
        ours = {group.place for group in self._groups[person].values()}
        for number in range(self._per_person):
            place = f"place {number} of {person}"
            if place not in ours and await self._claims.take(place, lasting=True):
                return place
        return None
