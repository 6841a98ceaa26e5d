"""How often a worker was replaced, and how soon the next one may be."""

from __future__ import annotations

from dataclasses import dataclass

# A worker serves again within its loading time and five seconds.
LONGEST_PAUSE = 4.0
HOPELESS = 3  # lives in vain
_DOUBLINGS = 10  # beyond them any pause is the longest; a power of two of any number would overflow


@dataclass(slots=True)
class Restarts:
    """Counts lives. ``first_pause`` is in seconds; each life in vain doubles it.

    A life is in vain until its worker is ready. A worker that dies later is replaced
    soon, for loading a model takes longer than any storm would.
    """

    first_pause: float
    total: int = 0
    in_vain: int = 0  # lives in a row, the one that runs now included

    @property
    def hopeless(self) -> bool:
        """Whether a model that was never ready will not be."""
        return self.in_vain >= HOPELESS

    def life_begins(self) -> None:
        self.in_vain += 1

    def ready(self) -> None:
        self.in_vain = 0

    def again(self) -> float:
        """Count a restart; the seconds to wait before it."""
        self.total += 1
        return min(LONGEST_PAUSE, self.first_pause * 2.0 ** min(self.in_vain, _DOUBLINGS))
