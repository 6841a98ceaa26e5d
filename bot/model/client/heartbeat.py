"""Whether the worker is alive: it is asked again and again, and must answer.

    pulse = Pulse(worker, Vitals(pid), patience=…)
    async with beating(pulse):
        message = …
        pulse.heard(message)

A worker that serves answers a Ping between two steps, so an answer proves that its
loop goes round, not only that there is a process. A worker that does not answer may be
busy: a long step on a slow machine takes longer than a person likes to wait. What
counts then is whether it computes; if it does, it gets much more time. A worker that
loads is not asked, because it can be silent for long while it reads gigabytes; but one
that was stopped (SIGSTOP) loads nothing.

Time is counted in beats, not by a clock: after the bot itself could not run for a
while, the worker's answers are still unread, and only one beat has passed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import psutil

from bot.background import Background
from bot.model.protocol import FromWorker, Ping, Ready

# Patience in beats: with a worker that neither answers nor computes nor prints, and with others.
STILL = 10
COMPUTING = 8 * STILL
LOADING = 40 * STILL
UNFINISHED = 2  # after the beginning of a message: each is written in one go

# Share of one core over a beat: more than a stopped or waiting process uses, less than
# a process gets on a busy machine.
LEAST_COMPUTED = 0.05


class WorkerBroken(Exception):
    """The worker ended, closed its pipe, wrote something that is no message, or does nothing."""


@dataclass(frozen=True, slots=True)
class Activity:
    """``computed``: processor time of all threads since the last look, in seconds."""

    computed: float
    stopped: bool


class Watched(Protocol):
    """The worker that is asked: a :class:`bot.model.client.child.Child`."""

    unfinished: bool  # a message has begun to arrive

    def send(self, message: Ping) -> None: ...


class Signs(Protocol):
    """What the system shows of it: :class:`Vitals`."""

    def activity(self) -> Activity | None: ...


class Vitals:
    """Watches the process ``pid`` from outside; a process that is gone computes nothing."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._process: psutil.Process | None = None
        self._computed = 0.0

    def activity(self) -> Activity | None:
        """Return what it did; None if the system does not say (no free file descriptor, no rights)."""
        try:
            if self._process is None:
                self._process = psutil.Process(self._pid)
            with self._process.oneshot():
                times = self._process.cpu_times()
                stopped = self._process.status() == psutil.STATUS_STOPPED
        except psutil.NoSuchProcess:
            return Activity(0.0, stopped=False)
        except (psutil.Error, OSError):
            return None
        before, self._computed = self._computed, times.user + times.system
        return Activity(self._computed - before, stopped)


class Pulse:
    """Counts beats; ``patience`` and ``interval`` (from beat to beat) are in seconds.

    ``diagnosis`` says why the worker is broken, once it is.
    """

    def __init__(self, worker: Watched, vitals: Signs, *, patience: float) -> None:
        self.interval = patience / STILL
        self.diagnosis = ""
        self._worker = worker
        self._vitals = vitals
        self._serves = False
        self._silent = 0  # beats since the last message
        self._still = 0  # consecutive beats in which it did nothing either
        self._unfinished = 0  # beats since a message began

    def heard(self, message: FromWorker) -> None:
        """Any message shows that the worker is alive."""
        self._silent = self._still = self._unfinished = 0
        self._serves = self._serves or isinstance(message, Ready)

    def stirred(self) -> None:
        """It printed something: no answer, but a worker that hangs prints nothing."""
        self._still = 0

    def beat(self) -> None:
        """Look and ask; to be called once an interval."""
        self._unfinished = self._unfinished + 1 if self._worker.unfinished else 0
        self._still = self._still + 1 if self._is_still() else 0
        if self._serves and self._silent == 0:
            self._worker.send(Ping())
        self._silent += 1
        self.diagnosis = self._diagnosis()

    def _is_still(self) -> bool:
        """Whether it has done nothing since the last beat, as far as can be seen."""
        activity = self._vitals.activity()
        if activity is None:
            return False
        if not self._serves:
            return activity.stopped
        return self._silent > 0 and activity.computed < LEAST_COMPUTED * self.interval

    def _diagnosis(self) -> str:
        if self._unfinished >= UNFINISHED:
            return "it began a message and did not end it"
        if self._still >= STILL:
            return f"it did nothing for {self._seconds(self._still)} s"
        if self._silent > (COMPUTING if self._serves else LOADING):
            return f"it said nothing for {self._seconds(self._silent)} s"
        return ""

    def _seconds(self, beats: int) -> str:
        return f"{beats * self.interval:.0f}"


@asynccontextmanager
async def beating(pulse: Pulse) -> AsyncIterator[None]:
    """Keep the pulse beating; raise WorkerBroken in the body once there is a diagnosis."""
    try:
        async with asyncio.timeout(None) as end:
            beat = partial(_beat_until_broken, pulse, end)
            async with Background(beat, name="model worker heartbeat", pause=pulse.interval):
                yield
    except TimeoutError as error:
        raise WorkerBroken(pulse.diagnosis) from error


async def _beat_until_broken(pulse: Pulse, end: asyncio.Timeout) -> None:
    while not pulse.diagnosis:
        await asyncio.sleep(pulse.interval)
        pulse.beat()
    end.reschedule(asyncio.get_running_loop().time())
