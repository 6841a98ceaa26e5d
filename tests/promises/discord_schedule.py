"""The faults of Discord in one schedule, drawn from a seed."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field

from tests.fakes.discord.faults import EventFault, Failed, Limited, Refused, RequestFault, Reset
from tests.fakes.discord.requests import Request

_UNTOUCHED = (
    "/users",
    "/oauth2",
    "/applications",
    "/gateway",
)  # requests of the start, which is not measured
_STATUSES = (500, 502, 503, 504)
_REFUSALS = (50001, 50013)


@dataclass(eq=False)
class Schedule:
    """Faults of requests and events, with the probabilities given; ``counts`` are those that occurred.

    ``quick`` leaves out those for which discord.py or the bot waits seconds.
    """

    rng: random.Random
    quick: bool = False
    of_requests: float = 0.2
    of_events: float = 0.25
    counts: Counter[str] = field(default_factory=Counter)

    def of_request(self, request: Request) -> RequestFault | None:
        if request.template.startswith(_UNTOUCHED) or self.rng.random() >= self.of_requests:
            return None
        return self._counted(self._drawn())

    def of_event(self, name: str) -> EventFault | None:
        if name != "INTERACTION_CREATE" or self.rng.random() >= self.of_events:
            return None
        match self.rng.randrange(1 if self.quick else 0, 4):
            case 0:
                self.counts["event too late"] += 1
                return EventFault(late=2.6 + self.rng.random())
            case 1:
                self.counts["event late"] += 1
                return EventFault(late=self.rng.uniform(0.1, 1.5))
            case _:
                self.counts["event duplicated"] += 1
                return EventFault(copies=self.rng.randint(1, 2))

    def _drawn(self) -> RequestFault:
        kinds = ("reset", "reset after", "limit", "global limit", "failed", "failed after", "refused")
        slow = 0 if self.quick else 2
        match self.rng.choices(kinds, weights=(4, 4, 3, 1, slow, slow, 1))[0]:
            case "reset":
                return Reset()
            case "reset after":
                return Reset(applied=True)
            case "limit":
                return Limited(self.rng.uniform(0.05, 0.4))
            case "global limit":
                return Limited(self.rng.uniform(0.05, 0.4), everywhere=True)
            case "failed":
                return Failed(self.rng.choice(_STATUSES))
            case "failed after":
                return Failed(self.rng.choice(_STATUSES), applied=True)
            case _:
                return Refused(self.rng.choice(_REFUSALS))

    def _counted(self, fault: RequestFault) -> RequestFault:
        self.counts[name_of(fault)] += 1
        return fault


def name_of(fault: object) -> str:
    """A readable name of the fault's kind."""
    match fault:
        case Reset(applied):
            return "reply lost in a reset" if applied else "request lost in a reset"
        case Limited(_, everywhere):
            return "429, global" if everywhere else "429"
        case Failed(_, applied):
            return "5xx, though applied" if applied else "5xx"
        case Refused(code):
            return f"refused, {code}"
        case _:
            return "nothing"
