"""What became of every request since the start."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from bot.errors import DeadlineExceeded, TokenwiseError
from bot.queue.updates import Completion, Finished, Outcome


@dataclass(slots=True)
class RequestCounts:
    """Admitted requests by outcome; the rest of ``admitted`` are still in progress.

    ``failed`` includes requests ended by a shutdown. ``refused`` requests were never
    admitted; they are counted by the name of the error. ``tokens`` counts those written.
    """

    admitted: int = 0
    finished: int = 0
    cancelled: int = 0
    expired: int = 0
    failed: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    tokens: int = 0

    def refuse(self, error: TokenwiseError) -> None:
        self.refused[type(error).__name__] += 1

    def count(self, outcome: Outcome) -> None:
        match outcome:
            case Finished(Completion(_, "cancelled")):
                self.cancelled += 1
            case Finished():
                self.finished += 1
            case DeadlineExceeded():
                self.expired += 1
            case _:
                self.failed += 1
