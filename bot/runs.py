"""What the buttons of a card refer to.

A button's ``custom_id`` carries a run id; the run itself is kept here, in memory
alone, for as long as its buttons are likely to be pressed, and no longer.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bot.completions import CompletionRun
from bot.errors import RunExpired
from bot.walks import Walk

DAY = 86_400.0


class Runs:
    """The last used ``capacity`` runs, each for ``lifetime`` seconds after its last use."""

    def __init__(
        self, *, capacity: int = 5_000, lifetime: float = DAY, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._capacity = capacity
        self._lifetime = lifetime
        self._clock = clock
        self._claimed: set[str] = set()
        # The least recently used first: the next to be forgotten, by age and by number.
        self._runs: OrderedDict[str, tuple[float, CompletionRun | Walk]] = OrderedDict()

    def __len__(self) -> int:
        self._forget_old()
        return len(self._runs)

    def keep(self, run: CompletionRun | Walk) -> None:
        self._runs[run.run_id] = (self._clock(), run)
        self._runs.move_to_end(run.run_id)
        self._forget_old()

    def completion(self, run_id: str) -> CompletionRun:
        """The completion with this id; RunExpired if it is not kept any more."""
        run = self._find(run_id)
        if not isinstance(run, CompletionRun):
            raise RunExpired(days=1)
        return run

    def walk(self, run_id: str) -> Walk:
        """The walk's state with this id; RunExpired if it is not kept any more."""
        run = self._find(run_id)
        if not isinstance(run, Walk):
            raise RunExpired(days=1)
        return run

    @contextmanager
    def claimed(self, run_id: str) -> Iterator[bool]:
        """Whether nobody else holds the claim to change this run's card, which then is held."""
        mine = run_id not in self._claimed
        self._claimed.add(run_id)
        try:
            yield mine
        finally:
            if mine:
                self._claimed.discard(run_id)

    def _find(self, run_id: str) -> CompletionRun | Walk | None:
        self._forget_old()
        if run_id not in self._runs:
            return None
        _, run = self._runs[run_id]
        self.keep(run)
        return run

    def _forget_old(self) -> None:
        oldest_kept = self._clock() - self._lifetime
        while self._runs:
            last_use, _ = next(iter(self._runs.values()))
            if last_use >= oldest_kept and len(self._runs) <= self._capacity:
                return
            self._runs.popitem(last=False)
