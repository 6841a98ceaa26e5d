"""Who may change a card when several people press at once.

Neither lock outlasts the process, and neither blocks: a second press does nothing, and a second edit is
left to the one under way. Claims hold across processes too, as far as the database answers. Edits don't: of
those that several processes make of one shared card, none waits for another.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Protocol

_PATIENCE = 0.5  # seconds to ask other processes: a press is still to be acknowledged


class Claims(Protocol):
    """Across processes: what is used of :class:`bot.store.process_claims.Claims`."""

    async def take(self, key: str, *, patience: float, lasting: bool) -> bool: ...

    async def release(self, key: str) -> None: ...


class Locks:
    """Claims to cards and presses, and the edits of shared cards that are under way; by key."""

    def __init__(self, across: Claims) -> None:
        self._across = across
        self._claimed: set[str] = set()
        self._stale: dict[str, bool] = {}

    @asynccontextmanager
    async def claim(self, key: str) -> AsyncIterator[bool]:
        """Hold ``key``, a run's card or a press, for the block; true if it was free."""
        if key in self._claimed:
            yield False
            return
        self._claimed.add(key)
        is_free = False
        try:
            is_free = await self._across.take(key, patience=_PATIENCE, lasting=True)
            yield is_free
        finally:
            self._claimed.discard(key)
            if is_free:
                await self._across.release(key)

    async def refresh(self, card: str, show: Callable[[], Awaitable[None]]) -> bool:
        """Call ``show`` until the card is up to date; false if another call is already doing so.

        One edit at a time, and one more for everything that changed meanwhile: Discord may apply
        the older of two simultaneous edits last, and slows down frequent edits of one message.
        However many people press at once, this takes two edits.
        """
        if card in self._stale:
            self._stale[card] = True
            return False
        try:
            self._stale[card] = True
            while self._stale[card]:
                self._stale[card] = False
                await show()
        finally:
            del self._stale[card]
        return True
