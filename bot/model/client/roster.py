"""Which requests the worker has, which it may get, and what its death means.

Synchronous bookkeeping for :mod:`bot.model.client.process`; no process, no pipe.

**Replay.** A request outlives its worker: the next one gets it from its
beginning. The same seed gives the same steps, so a step whose index was passed
on before is swallowed.

**Poison.** A request may be what kills the worker. As its steps are the same in
every life, so is the place where it does that, while a death from outside finds a
request anywhere. So each death is held against all that ran in it, by how many
steps they had taken. Two deaths at the same place make a suspect, which runs
alone, everyone else waiting; a suspect that dies alone is the cause, and fails.
Whoever gets further than in any life before is cleared of all its deaths.

So nobody is sentenced for a neighbour, nor for a worker that is killed again and
again from outside, and one bad request costs three deaths at most. Something that
kills at random, never twice at the same place, is a suspect after ten deaths
without getting further.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.errors import GenerationFailed, ModelUnusable, ShuttingDown
from bot.model.protocol import Ended, GenerationRequest, Rejected, Stepped

DEATHS_AT_THE_SAME_PLACE = 2
DEATHS_WITHOUT_GETTING_FURTHER = 10

Failure = GenerationFailed | ModelUnusable | ShuttingDown


@dataclass(eq=False, slots=True)
class Run:
    """A request until it ended, and what its reader has still to read."""

    request: GenerationRequest
    events: asyncio.Queue[Stepped | Ended | Failure] = field(default_factory=asyncio.Queue)
    passed_on: int = 0  # steps; a replay begins behind them
    taken: int = 0  # steps in this life
    submitted: bool = False  # to the worker that runs now
    aborted: bool = False
    ended: bool = False
    # Steps taken at each death, since it last got further than at any before.
    deaths: list[int] = field(default_factory=list)

    @property
    def suspect(self) -> bool:
        at_the_same_place = max(Counter(self.deaths).values(), default=0)
        return (
            at_the_same_place >= DEATHS_AT_THE_SAME_PLACE
            or len(self.deaths) >= DEATHS_WITHOUT_GETTING_FURTHER
        )

    def step(self) -> None:
        """Count a step of this life."""
        self.taken += 1
        if self.taken > max(self.deaths, default=0):
            self.deaths.clear()

    def die(self) -> None:
        """Count a death here; the next life begins at the beginning."""
        self.deaths.append(self.taken)
        self.taken, self.submitted = 0, False


class Roster:
    """All requests that have not ended, first come first served."""

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
        """Take in a request; ValueError if one of its id has not ended."""
        if request.request_id in self._runs:
            raise ValueError(f"request {request.request_id} is already running")
        run = self._runs[request.request_id] = Run(request)
        return run

    def submit(self) -> list[GenerationRequest]:
        """The requests the worker is to get now; they count as submitted."""
        chosen = [run for run in self._runs.values() if not run.submitted]
        suspects = [run for run in self._runs.values() if run.suspect]
        if suspects:
            chosen = [] if self.owed else suspects[:1]
        for run in chosen:
            run.submitted = True
        return [run.request for run in chosen]

    def heard(self, message: Stepped | Ended | Rejected) -> bool:
        """Pass on what the worker said; False if a step is missing before it."""
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
        """Cancel a request; True if the worker has it and must be told."""
        run = self._runs.get(request_id)
        if run is None or run.aborted:
            return False
        run.aborted = True
        if not run.submitted:
            self._end(run, Ended(request_id, "cancelled"))
        return run.submitted

    def worker_died(self) -> None:
        """Count the death, sentence who is proven guilty, take the rest back."""
        victims = [run for run in self._runs.values() if run.submitted]
        for run in victims:
            run.die()
            if run.aborted:
                self._end(run, Ended(run.request.request_id, "cancelled"))
            elif run.suspect and len(victims) == 1:
                self._end(run, GenerationFailed(f"the worker died {len(run.deaths)} times while it ran this"))

    def model_changed(self) -> None:
        """Fail what began on a model that gives other tokens than the new one."""
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
