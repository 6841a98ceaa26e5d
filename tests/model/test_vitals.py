"""A process that computes, one that is stopped, and one that is gone."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from bot.model.vitals import Vitals


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


def test_what_computes_is_seen_to(process: subprocess.Popen[bytes]) -> None:
    vitals = Vitals(process.pid)
    for _ in range(2):
        assert seen(lambda: vitals.activity().computed > 0)
    assert not vitals.activity().stopped


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot stop a process")
def test_what_is_stopped_is_seen_to_be_and_computes_nothing(process: subprocess.Popen[bytes]) -> None:
    vitals = Vitals(process.pid)
    process.send_signal(signal.SIGSTOP)
    assert seen(lambda: vitals.activity().stopped)
    assert vitals.activity().computed == 0


def test_what_is_gone_computes_nothing(process: subprocess.Popen[bytes]) -> None:
    vitals = Vitals(process.pid)
    process.kill()
    process.wait()
    for late in (vitals, Vitals(process.pid)):
        assert late.activity().computed == 0
        assert not late.activity().stopped
