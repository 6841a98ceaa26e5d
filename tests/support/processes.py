"""Processes as Linux lists them."""

from __future__ import annotations

import time
from pathlib import Path

PROC = Path("/proc")


def first_child(pid: int, *, patience: float = 30.0) -> int:
    """Wait, blocking, until ``pid`` has started a process; return its id.

    Raises TimeoutError after ``patience`` seconds, OSError if ``pid`` has ended.
    """
    children = PROC / str(pid) / "task" / str(pid) / "children"
    end = time.monotonic() + patience
    while not (found := children.read_text().split()):
        if time.monotonic() > end:
            raise TimeoutError(f"{pid} has started no process")
        time.sleep(0.01)
    return int(found[0])


def is_alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        return PROC.joinpath(str(pid), "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
