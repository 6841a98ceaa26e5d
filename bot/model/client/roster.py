"""Which requests the worker has, which ones it may get, and what its death means for them.

Synchronous bookkeeping for :mod:`bot.model.client.process`; no process, no pipe.

**Replay.** A request outlives its worker: the next worker starts it from the
beginning. The same seed gives the same steps, so steps that were passed on before
are dropped by their index.

**Poison.** A request may be what kills the worker. Its steps are the same with
every worker, so it kills at the same step, whereas a death from outside hits a
request at any step. Each death is therefore held against every request that was
running, at the step it had reached. Two deaths at the same step make a suspect,
which then runs alone while the others wait; if the worker dies again, the suspect
is the cause, and fails. A request that gets further than ever before is cleared of
all its deaths.

So no request fails because of a neighbour, nor because the worker is killed from
outside again and again, and one bad request costs three deaths at most. A request
that kills at random, never twice at the same step, is a suspect after ten deaths
without getting further.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.errors import GenerationFailed
from bot.model.client.readiness import Failure
from bot.model.protocol import Ended, GenerationRequest, Rejected, Stepped

DEATHS_AT_THE_SAME_PLACE = 2
DEATHS_WITHOUT_GETTING_FURTHER = 10


@dataclass(eq=False, slots=True)
class Run:
    """A request that has not ended, and the events its reader has yet to read."""

    request: GenerationRequest
    events: asyncio.Queue[Stepped | Ended | Failure] = field(default_factory=asyncio.Queue)
    passed_on: int = 0  # steps; a replay drops as many
    taken: int = 0  # steps in the current worker
    submitted: bool = False  # to the current worker
    aborted: bool = False
    ended: bool = False
    # Steps taken at each death, since it last got further than before.
    deaths: list[int] = field(default_factory=list)

    @property
    def suspect(self) -> bool:
        if not self.deaths:  # asked of every request after every step of each
            return False
        at_the_same_place = max(Counter(self.deaths).values(), default=0)
        return (
            at_the_same_place >= DEATHS_AT_THE_SAME_PLACE
            or len(self.deaths) >= DEATHS_WITHOUT_GETTING_FURTHER
        )

    def step(self) -> None:
        """Count a step in the current worker."""
        self.taken += 1
        if self.taken > max(self.deaths, default=0):
            self.deaths.clear()

    def die(self) -> None:
        """Count a death at this step; the next worker starts from the beginning."""
        self.deaths.append(self.taken)
        self.taken, self.submitted = 0, False


class Roster:
    """All requests that have not ended, in order of arrival."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}

    @property
    def owed(self) -> bool:
        """Whether the worker has requests to answer."""
        return self.submitted > 0

    @property
    def submitted(self) -> int:
        """How many requests the worker has."""
        return sum(run.submitted for run in self._runs.values())

    def add(self, request: GenerationRequest) -> Run:
        """Add a request; ValueError if one with the same id has not ended."""
        if request.request_id in self._runs:
            raise ValueError(f"request {request.request_id} is already running")
        run = self._runs[request.request_id] = Run(request)
        return run

    def submit(self) -> list[GenerationRequest]:
        """Return the requests to send to the worker now; they count as submitted."""
        chosen = [run for run in self._runs.values() if not run.submitted]
        if not chosen:
            return []
        suspects = [run for run in self._runs.values() if run.suspect]
        if suspects:
            chosen = [] if self.owed else suspects[:1]
        for run in chosen:
            run.submitted = True
        return [run.request for run in chosen]

    def heard(self, message: Stepped | Ended | Rejected) -> bool:
        """Pass on the worker's message; False if a step is missing before it."""
        run = self._runs.get(message.request_id)
        if run is None or not run.submitted:
            return True
        match message:
            case Stepped():
                if message.index > run.passed_on:
                    return False
                run.step()
                if message.index == run.passed_on:
                    run.passed_on += 1
                    run.events.put_nowait(message)
            case Ended():
                self._end(run, message)
            case Rejected(_, detail):
                self._end(run, GenerationFailed(detail))
        return True

    def abort(self, request_id: str) -> bool:
        """Cancel a request; True if the worker has it and needs an Abort."""
        run = self._runs.get(request_id)
        if run is None or run.aborted:
            return False
        run.aborted = True
        if not run.submitted:
            self._end(run, Ended(request_id, "cancelled"))
        return run.submitted

    def worker_died(self) -> None:
        """Count the death, fail a request that is proven to be the cause, and take the rest back."""
        victims = [run for run in self._runs.values() if run.submitted]
        for run in victims:
            run.die()
            if run.aborted:
                self._end(run, Ended(run.request.request_id, "cancelled"))
            elif run.suspect and len(victims) == 1:
                self._end(run, GenerationFailed(f"the worker died {len(run.deaths)} times while it ran this"))

    def model_changed(self) -> None:
        """Fail every request that began on the old model: the new one gives other tokens."""
        for run in list(self._runs.values()):
            if run.passed_on:
                self._end(run, GenerationFailed("the model changed while it ran"))

    def fail_all(self, failure: Callable[[], Failure]) -> None:
        for run in list(self._runs.values()):
            self._end(run, failure())

    def _end(self, run: Run, event: Ended | Failure) -> None:
        del self._runs[run.request.request_id]
        run.ended = True
        run.events.put_nowait(event)
