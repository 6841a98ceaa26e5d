"""What broken streams mean for a text. Synchronous bookkeeping for :mod:`bot.model.remote.service`.

A text outlives its replica: another one writes it from its beginning. The same seed gives the same steps, so
steps that were passed on before are dropped by their index, as :mod:`bot.model.client.roster` does.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from bot.errors import GenerationFailed
from bot.model.protocol import Ended, Rejected, Stepped
from bot.quoting import one_line

BROKEN_REPLICAS = 2
LONGEST_DETAIL = 200  # characters of why a text was rejected: it is logged, and comes from another machine


class StepMissing(Exception):
    """A replica left out a step."""


@dataclass(slots=True)
class Attempts:
    """One text: how far it was passed on, and which replicas broke at which of its steps."""

    passed_on: int = 0  # steps
    replica: str = ""  # the latest that had it
    is_on_replica: bool = False
    _taken: int = 0  # steps on that one
    _broken: defaultdict[int, set[str]] = field(default_factory=lambda: defaultdict(set))

    def begin(self, replica: str) -> None:
        """Note that ``replica`` begins to write it."""
        self.replica, self.is_on_replica, self._taken = replica, True, 0

    def heard(self, message: Stepped | Ended | Rejected) -> Stepped | Ended | None:
        """What to pass on, if anything; StepMissing, or GenerationFailed if it was rejected."""
        match message:
            case Rejected(_, detail):
                raise GenerationFailed(one_line(detail, LONGEST_DETAIL))
            case Ended():
                if self._taken < self.passed_on:
                    raise StepMissing
                return message
        if message.index != self._taken:
            raise StepMissing
        self._taken += 1
        if self._taken <= self.passed_on:
            return None
        self.passed_on = self._taken
        return message

    def broke(self) -> None:
        """Note that the replica broke; GenerationFailed if the text is what broke it, as far as can be told.

        A replica breaks at any step when its machine goes, and so breaks nobody twice at the same one.
        """
        self.is_on_replica = False
        at_this_step = self._broken[self._taken]
        at_this_step.add(self.replica)
        if len(at_this_step) >= BROKEN_REPLICAS:
            raise GenerationFailed(f"{len(at_this_step)} replicas broke at its step {self._taken}")

    def not_connected(self) -> None:
        """Note that the service is gone: it is what broke the latest stream, not the replica."""
        self._broken[self._taken].discard(self.replica)
