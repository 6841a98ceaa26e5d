"""Which requests the worker has, which it may get, and what its death means.

Synchronous bookkeeping for :mod:`bot.model.process`; no process, no pipe.

**Replay.** A request outlives its worker: the next one gets it from its
beginning. The same seed gives the same steps, so a step whose index was passed
on before is swallowed.

**Poison.** A request may be what kills the worker. Each death counts against
all that ran in it. Whoever was there twice runs alone from then on, everyone
else waiting; whoever has died twice and was alone the last time is the cause,
and fails. Nobody is sentenced for a neighbour, and one bad request costs three
restarts at most, since a death with a suspect alone always sentences it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.errors import GenerationFailed, ModelUnusable, ShuttingDown
from bot.model.protocol import Ended, GenerationRequest, Rejected, Stepped

DEATHS_OF_A_SUSPECT = 2

Failure = GenerationFailed | ModelUnusable | ShuttingDown


@dataclass(eq=False, slots=True)
class Run:
    """A request until it ended, and what its reader has still to read."""

    request: GenerationRequest
    events: asyncio.Queue[Stepped | Ended | Failure] = field(default_factory=asyncio.Queue)
    passed_on: int = 0  # steps; a replay begins behind them
    submitted: bool = False  # to the worker that runs now
    aborted: bool = False
    ended: bool = False
    deaths: int = 0

    @property
    def suspect(self) -> bool:
        return self.deaths >= DEATHS_OF_A_SUSPECT


class Roster:
    """All requests that have not ended, first come first served."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}

    @property
    def owed(self) -> bool:
        """Whether the worker has requests to answer."""
        return any(run.submitted for run in self._runs.values())

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
            run.submitted = False
            run.deaths += 1
            if run.aborted:
                self._end(run, Ended(run.request.request_id, "cancelled"))
            elif run.suspect and len(victims) == 1:
                self._end(run, GenerationFailed(f"the worker died {run.deaths} times while it ran this"))

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
