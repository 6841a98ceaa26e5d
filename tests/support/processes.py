"""Processes as Linux lists them."""

from __future__ import annotations

import time
from pathlib import Path

PROC = Path("/proc")


def first_child(pid: int, *, patience: float = 30.0) -> int:
    """The id of a process that ``pid`` has started, once there is one.

    It waits in this thread; TimeoutError after ``patience`` seconds, OSError if ``pid`` ended.
    """
    children = PROC / str(pid) / "task" / str(pid) / "children"
    end = time.monotonic() + patience
    while not (found := children.read_text().split()):
        if time.monotonic() > end:
            raise TimeoutError(f"{pid} has started no process")
        time.sleep(0.01)
    return int(found[0])


def is_alive(pid: int) -> bool:
    """Whether it runs; one that has ended and was not yet asked why does not."""
    try:
        return PROC.joinpath(str(pid), "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
