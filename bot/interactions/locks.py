"""Cards that many people change at the same time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable


class Refreshes:
    """Lets one at a time edit a card, and once more for all who came meanwhile.

    Of edits that are on their way together, Discord may apply the older one last.
    And it slows down who edits a message often: however many people press a button
    at once, this way they need two edits.
    """

    def __init__(self) -> None:
        self._stale: dict[str, bool] = {}

    async def refresh(self, card: str, show: Callable[[], Awaitable[None]]) -> bool:
        """Let ``show`` show the card as it is now; False if that is left to somebody who does so already."""
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
