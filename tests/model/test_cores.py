"""Threads are counted by the cores the process may use, not by those of the machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from bot.model import cores
from bot.model.cores import usable_cores
from bot.settings import Settings

ROOT = Path(__file__).parents[2]
SERVICE = "0::/system.slice/tokenwise.service\n"


@pytest.fixture(autouse=True)
def sixteen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil.Process, "cpu_affinity", lambda _process: list(range(16)))


def machine(root: Path, groups: str | None, **files: str) -> Path:
    """A machine whose /sys/fs/cgroup has these files."""
    if groups is not None:
        (root / "proc/self").mkdir(parents=True)
        (root / "proc/self/cgroup").write_text(groups)
    for name, content in files.items():
        file = root / "sys/fs/cgroup" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    return root


@pytest.mark.parametrize(
    ("groups", "files", "count"),
    [
        (None, {}, 16),
        ("0::/\n", {}, 16),
        ("", {}, 16),
        ("nonsense\n", {}, 16),
        # a container with version 2
        ("0::/\n", {"cpu.max": "200000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "5000 100000\n"}, 1),
        ("0::/\n", {"cpu.max": "max 100000\n"}, 16),
        ("0::/\n", {"cpu.max": "6400000 100000\n"}, 16),
        ("0::/\n", {"cpu.max": ""}, 16),
        ("0::/\n", {"cpu.max": "x y"}, 16),
        ("0::/\n", {"cpu.max": "100000 0"}, 16),
        ("0::/../outside/of/it\n", {"cpu.max": "300000 100000\n"}, 3),
        # CPUQuota= in a unit, and in a slice above it
        (SERVICE, {"system.slice/tokenwise.service/cpu.max": "400000 100000\n"}, 4),
        (
            SERVICE,
            {
                "system.slice/cpu.max": "300000 100000\n",
                "system.slice/tokenwise.service/cpu.max": "max 100000\n",
            },
            3,
        ),
        (SERVICE, {"another.slice/cpu.max": "100000 100000\n"}, 16),
        # both versions, the processor in version 1
        (
            "5:cpu,cpuacct:/docker/c0ffee\n1:name=systemd:/docker/c0ffee\n0::/\n",
            {"cpu,cpuacct/cpu.cfs_quota_us": "250000\n", "cpu,cpuacct/cpu.cfs_period_us": "100000\n"},
            3,
        ),
        (
            "5:cpuacct,cpu:/app\n",
            {"cpu/app/cpu.cfs_quota_us": "50000\n", "cpu/app/cpu.cfs_period_us": "50000\n"},
            1,
        ),
        (
            "5:cpu:/\n",
            {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"},
            16,
        ),
        ("5:cpuset:/\n", {"cpu/cpu.cfs_quota_us": "100000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 16),
        ("5:cpu:/\n", {"cpu/cpu.cfs_quota_us": "100000\n"}, 16),
        ("0::/a\n", {"unified/a/cpu.max": "700000 100000\n"}, 7),
    ],
)
def test_a_processor_quota_limits_the_cores(
    groups: str | None, files: dict[str, str], count: int, tmp_path: Path
) -> None:
    assert usable_cores(machine(tmp_path, groups, **files)) == count


def test_without_a_limit_all_cores_are_usable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_process: psutil.Process) -> list[int]:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil.Process, "cpu_affinity", refuse)
    assert usable_cores(tmp_path) == os.cpu_count()

    monkeypatch.delattr(psutil.Process, "cpu_affinity")
    assert usable_cores(tmp_path) == os.cpu_count()


def test_the_default_number_of_threads_is_that_of_usable_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "_quota", lambda _root: 3.0)

    assert Settings.from_env({}).threads == 3
    assert Settings.from_env({"THREADS": "7"}).threads == 7


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system keeps no process to some cores")
def test_a_process_pinned_to_one_core_counts_one() -> None:
    code = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); "
        "from bot.settings import Settings; print(Settings.from_env({}).threads)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert answer.stdout.strip() == "1"
