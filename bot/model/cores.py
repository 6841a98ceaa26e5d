"""The number of processor cores this process may use; a container may allow fewer than there are."""

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
    """The cores this process may run on, limited by its quota.

    Part of a core counts as a whole one: a thread that has to pause at times still helps.
    """
    return max(1, ceil(min(_allowed(), _quota(root))))


def _allowed() -> int:
    # macOS has no affinity, and so psutil has none there.
    if hasattr(psutil.Process, "cpu_affinity"):
        with suppress(psutil.Error, OSError):
            return len(psutil.Process().cpu_affinity() or ())
    return os.cpu_count() or 1


def _quota(root: Path) -> float:
    """The smallest quota, in cores, of the process's control group and those above it."""
    quotas = [_version_2(folder) for folder in _groups(root, "", _VERSION_2)]
    quotas += [_version_1(folder) for folder in _groups(root, "cpu", _VERSION_1)]
    return min(quotas, default=float("inf"))


def _groups(root: Path, controller: str, mounts: tuple[str, ...]) -> Iterator[Path]:
    """The folders of the ``controller``'s group and those above it, in every mount.

    In a container the path may lie outside of it; then only the root exists.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except (OSError, ValueError):  # not Linux, or hidden
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
    """The numbers in the file; none if any word, such as ``max``, is not a number."""
    try:
        return tuple(float(word) for word in file.read_text().split())
    except (OSError, ValueError):
        return ()
