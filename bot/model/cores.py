"""How many processor cores this process may use, which in a container are fewer than there are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from math import ceil
from pathlib import Path, PurePosixPath

import psutil

_VERSION_2 = ("sys/fs/cgroup", "sys/fs/cgroup/unified")
_VERSION_1 = ("sys/fs/cgroup/cpu", "sys/fs/cgroup/cpu,cpuacct", "sys/fs/cgroup/cpuacct,cpu")


def usable_cores(root: Path = Path("/")) -> int:
    """The cores that this process may run on, and of those as many as its quota pays for.

    A part of a core counts as one: a thread that has to rest now and then still helps.
    """
    return max(1, ceil(min(_allowed(), _quota(root))))


def _allowed() -> int:
    # psutil has no affinity on macOS, which has none.
    if hasattr(psutil.Process, "cpu_affinity"):
        with suppress(psutil.Error, OSError):
            return len(psutil.Process().cpu_affinity() or ())
    return os.cpu_count() or 1


def _quota(root: Path) -> float:
    """The least processor time, in cores, that Linux gives the process's control group or one above it."""
    quotas = [_version_2(folder) for folder in _groups(root, "", _VERSION_2)]
    quotas += [_version_1(folder) for folder in _groups(root, "cpu", _VERSION_1)]
    return min(quotas, default=float("inf"))


def _groups(root: Path, controller: str, mounts: tuple[str, ...]) -> Iterator[Path]:
    """The folders of the group that has the ``controller``, and of those above it, wherever mounted.

    In a container the path may be one outside it, of which only the root is there.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except (OSError, ValueError):  # not Linux, or not to be seen
        return
    for line in lines:
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if controller not in controllers.split(","):
            continue
        group = PurePosixPath(*(part for part in path.split("/") if part not in ("", "..")))
        yield from (root / mount / folder for mount in mounts for folder in (group, *group.parents))


def _version_2(folder: Path) -> float:
    return _share(*_numbers(folder / "cpu.max"))


def _version_1(folder: Path) -> float:
    return _share(*_numbers(folder / "cpu.cfs_quota_us"), *_numbers(folder / "cpu.cfs_period_us"))


def _share(quota: float = 0.0, period: float = 0.0, *_: float) -> float:
    return quota / period if quota > 0 and period > 0 else float("inf")


def _numbers(file: Path) -> tuple[float, ...]:
    """Those in the file; none unless all of it are numbers, as ``max`` is not."""
    try:
        return tuple(float(word) for word in file.read_text().split())
    except (OSError, ValueError):
        return ()
