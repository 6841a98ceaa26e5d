"""What the system can tell of a process from outside."""

from __future__ import annotations

from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True)
class Activity:
    """``computed``: seconds of processor time, of all threads, since it was asked before."""

    computed: float
    stopped: bool


class Vitals:
    """Watches the process ``pid``; one that is gone computes nothing."""

    def __init__(self, pid: int) -> None:
        try:
            self._process: psutil.Process | None = psutil.Process(pid)
        except psutil.Error:
            self._process = None
        self._computed = 0.0

    def activity(self) -> Activity:
        if self._process is None:
            return Activity(0.0, stopped=False)
        try:
            with self._process.oneshot():
                times = self._process.cpu_times()
                stopped = self._process.status() == psutil.STATUS_STOPPED
        except psutil.Error:
            return Activity(0.0, stopped=False)
        before, self._computed = self._computed, times.user + times.system
        return Activity(self._computed - before, stopped)
