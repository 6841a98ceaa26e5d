"""Who may change a card when several people press at once.

Both locks last as long as the process, and neither blocks: a second press does nothing, and a second edit is
left to the one under way.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager


class Locks:
    """Claims to cards and presses, and the edits of shared cards that are under way; by key."""

    def __init__(self) -> None:
        self._claimed: set[str] = set()
        self._stale: dict[str, bool] = {}

    @contextmanager
    def claim(self, key: str) -> Iterator[bool]:
        """Hold ``key``, a run's card or a press, for the block; true if it was free."""
        is_first = key not in self._claimed
        self._claimed.add(key)
        try:
            yield is_first
        finally:
            if is_first:
                self._claimed.discard(key)

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
