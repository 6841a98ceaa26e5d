"""Whether the worker still lives: it is asked again and again, and must answer.

    pulse = Pulse(worker, vitals, patience=…)
    async with beating(pulse):
        message = …
        pulse.heard(message)

A worker that serves answers a Ping between two steps, so the answer proves that its
loop goes round, not only that there is a process. While it does not answer it may be
busy: a long step on a slow machine takes longer than a person likes to wait. So what
counts is whether it computes meanwhile. One that does is waited for much longer. One
that loads is not asked, for it can be silent for long, reading gigabytes; but one
that was stopped loads nothing.

Time is counted in beats and not by a clock: when the bot itself could not run for a
while, the worker's answers are yet unread, and only one beat has passed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Protocol

from bot.background import Background
from bot.model.client.vitals import Activity
from bot.model.protocol import FromWorker, Ping, Ready

# Patience with a worker that neither answers nor computes nor prints, in beats, and with others.
STILL = 10
COMPUTING = 8 * STILL
LOADING = 40 * STILL
UNFINISHED = 2  # with one that has begun a message: they are written at once

# Of a beat, on one core: more than a stopped or waiting process has, less than one
# that gets a small share of a busy machine.
LEAST_COMPUTED = 0.05


class WorkerBroken(Exception):
    """The worker ended, closed its pipe, said what is no message, or does nothing."""


class Watched(Protocol):
    """What is asked and looked at: a :class:`bot.model.client.child.Child`."""

    unfinished: bool  # a message has begun to come

    def send(self, message: Ping) -> None: ...


class Signs(Protocol):
    """What is seen of it: :class:`bot.model.client.vitals.Vitals`."""

    def activity(self) -> Activity | None: ...


class Pulse:
    """The count of beats; ``patience`` is in seconds, as is ``interval``, from beat to beat.

    ``diagnosis`` says why the worker is broken, once it is.
    """

    def __init__(self, worker: Watched, vitals: Signs, *, patience: float) -> None:
        self.interval = patience / STILL
        self.diagnosis = ""
        self._worker = worker
        self._vitals = vitals
        self._serves = False
        self._silent = 0  # beats since it said anything
        self._still = 0  # and has done nothing either, without a break
        self._unfinished = 0  # and a message has begun

    def heard(self, message: FromWorker) -> None:
        """Whatever it says shows that it lives."""
        self._silent = self._still = self._unfinished = 0
        self._serves = self._serves or isinstance(message, Ready)

    def stirred(self) -> None:
        """It printed something: that is no answer, but nothing that hangs does it."""
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
    """Let it beat; WorkerBroken in the body once it has a diagnosis."""
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
