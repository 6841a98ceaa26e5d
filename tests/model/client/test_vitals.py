"""A process that computes, one that is stopped, and one that is gone."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from bot.model.client.vitals import Vitals


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """One that computes and never ends by itself."""
    process = subprocess.Popen([sys.executable, "-c", "while True: sum(range(1000))"])
    yield process
    process.kill()
    process.wait()


def seen(happens: Callable[[], bool]) -> bool:
    """Whether it happens within some seconds."""
    end = time.monotonic() + 20
    while not happens():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def computed(vitals: Vitals) -> float:
    activity = vitals.activity()
    assert activity
    return activity.computed


def stopped(vitals: Vitals) -> bool:
    activity = vitals.activity()
    assert activity
    return activity.stopped


def test_what_computes_is_seen_to(process: subprocess.Popen[bytes]) -> None:
    vitals = Vitals(process.pid)
    for _ in range(2):
        assert seen(lambda: computed(vitals) > 0)
    assert not stopped(vitals)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot stop a process")
def test_what_is_stopped_is_seen_to_be_and_computes_nothing(process: subprocess.Popen[bytes]) -> None:
    vitals = Vitals(process.pid)
    process.send_signal(signal.SIGSTOP)
    assert seen(lambda: stopped(vitals))
    assert computed(vitals) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_without_a_free_file_descriptor_nothing_is_known_and_later_it_is_again(
    process: subprocess.Popen[bytes],
) -> None:
    import resource

    before, late = Vitals(process.pid), Vitals(process.pid)
    assert before.activity()
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
    try:
        assert before.activity() is None
        assert late.activity() is None
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    for vitals in (before, late):
        assert seen(lambda vitals=vitals: computed(vitals) > 0)  # type: ignore[misc]


def test_what_is_gone_computes_nothing(process: subprocess.Popen[bytes]) -> None:
    vitals = Vitals(process.pid)
    process.kill()
    process.wait()
    for late in (vitals, Vitals(process.pid)):
        assert computed(late) == 0
        assert not stopped(late)
