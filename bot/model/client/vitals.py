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
        self._pid = pid
        self._process: psutil.Process | None = None
        self._computed = 0.0

    def activity(self) -> Activity | None:
        """What it did; None where the system does not say, for want of file descriptors or of rights."""
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
