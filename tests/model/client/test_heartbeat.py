"""A worker is pinged regularly; a silent one that does nothing is broken."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from bot.model.client.heartbeat import (
    COMPUTING,
    LOADING,
    STILL,
    UNFINISHED,
    Activity,
    Pulse,
    Vitals,
    WorkerBroken,
    beating,
)
from bot.model.protocol import Loading, Ping, Pong, Ready
from tests.fakes.scripted_worker import scripted_info

READY = Ready(scripted_info())
STOPPED, WAITING = Activity(0.0, stopped=True), Activity(0.0, stopped=False)
COMPUTES = Activity(1.0, stopped=False)


@dataclass
class FakeWorker:
    """Records the messages it gets, and shows an activity."""

    shows: Activity | None = WAITING
    unfinished: bool = False
    messages: list[Ping] = field(default_factory=list)

    def send(self, message: Ping) -> None:
        self.messages.append(message)

    def activity(self) -> Activity | None:
        return self.shows


def a_pulse(worker: FakeWorker, *, patience: float = 8.0) -> Pulse:
    return Pulse(worker, worker, patience=patience)


def beats_until_broken(pulse: Pulse, *, at_most: int) -> int:
    for beats in range(1, at_most + 1):
        pulse.beat()
        if pulse.diagnosis:
            return beats
    pytest.fail(f"not broken after {at_most} beats")


def test_a_worker_that_answers_is_pinged_at_every_beat_and_never_broken() -> None:
    worker = FakeWorker()
    pulse = a_pulse(worker)
    pulse.heard(READY)
    for _ in range(10_000):
        pulse.beat()
        pulse.heard(Pong())
    assert not pulse.diagnosis
    assert len(worker.messages) == 10_000


def test_a_serving_worker_that_does_nothing_is_broken_once_patience_runs_out() -> None:
    worker = FakeWorker()
    pulse = a_pulse(worker)
    pulse.heard(READY)
    # At the first beat it is pinged.
    assert beats_until_broken(pulse, at_most=1000) == STILL + 1
    assert pulse.diagnosis == "it did nothing for 8 s"
    assert len(worker.messages) == 1, "one ping is enough"


def test_a_computing_worker_gets_more_time_but_not_for_ever() -> None:
    pulse = a_pulse(FakeWorker(COMPUTES))
    pulse.heard(READY)
    assert beats_until_broken(pulse, at_most=1000) == COMPUTING + 1
    assert pulse.diagnosis == "it said nothing for 65 s"


def test_a_worker_the_system_says_nothing_about_may_be_computing() -> None:
    pulse = a_pulse(FakeWorker(None))
    pulse.heard(READY)
    assert beats_until_broken(pulse, at_most=1000) == COMPUTING + 1


def test_a_worker_that_computes_now_and_then_is_not_still() -> None:
    worker = FakeWorker()
    pulse = a_pulse(worker)
    pulse.heard(READY)
    for beat in range(COMPUTING):
        worker.shows = COMPUTES if beat % (STILL - 1) == 0 else WAITING
        pulse.beat()
    assert not pulse.diagnosis


def test_a_worker_that_prints_gets_more_time_too() -> None:
    pulse = a_pulse(FakeWorker())
    pulse.heard(READY)
    for _ in range(COMPUTING):
        pulse.beat()
        pulse.stirred()
    assert not pulse.diagnosis
    assert beats_until_broken(pulse, at_most=1) == 1


def test_a_loading_worker_is_not_pinged_and_may_wait_for_the_disk() -> None:
    worker = FakeWorker()
    pulse = a_pulse(worker)
    for _ in range(LOADING):
        pulse.beat()
    pulse.heard(Loading("reading weights", 0, 0, "B"))
    assert beats_until_broken(pulse, at_most=1000) == LOADING + 1
    assert worker.messages == []


def test_a_worker_stopped_while_loading_is_broken_once_patience_runs_out() -> None:
    pulse = a_pulse(FakeWorker(STOPPED))
    assert beats_until_broken(pulse, at_most=1000) == STILL


def test_an_unfinished_message_is_noticed_at_the_second_beat() -> None:
    worker = FakeWorker(COMPUTES, unfinished=True)
    pulse = a_pulse(worker)
    pulse.heard(READY)
    assert beats_until_broken(pulse, at_most=1000) == UNFINISHED


def test_a_message_completed_between_beats_is_no_fault() -> None:
    worker = FakeWorker(COMPUTES, unfinished=True)
    pulse = a_pulse(worker)
    pulse.heard(READY)
    for _ in range(100):
        pulse.beat()
        pulse.heard(Pong())
    assert not pulse.diagnosis


async def test_a_broken_worker_ends_the_block_with_the_diagnosis() -> None:
    worker = FakeWorker()
    pulse = a_pulse(worker, patience=0.01)
    pulse.heard(READY)
    with pytest.raises(WorkerBroken, match="did nothing"):
        async with beating(pulse):
            await asyncio.Event().wait()


async def test_a_beat_that_fails_does_not_end_the_watch(caplog: pytest.LogCaptureFixture) -> None:
    class Unseen(FakeWorker):
        looks = 0

        def activity(self) -> Activity:
            self.looks += 1
            if self.looks <= 2:
                raise RuntimeError
            return WAITING

    pulse = a_pulse(Unseen(), patience=0.01)
    pulse.heard(READY)
    with pytest.raises(WorkerBroken, match="did nothing"):
        async with beating(pulse):
            await asyncio.Event().wait()
    assert "model worker heartbeat failed" in caplog.text


async def test_leaving_the_block_ends_the_beats() -> None:
    worker = FakeWorker()
    pulse = a_pulse(worker, patience=0.01)
    pulse.heard(READY)
    async with beating(pulse):
        pass
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """A process that computes and never ends by itself."""
    process = subprocess.Popen([sys.executable, "-c", "while True: sum(range(1000))"])
    yield process
    process.kill()
    process.wait()


def seen(happens: Callable[[], bool]) -> bool:
    """Whether ``happened`` becomes true within 20 seconds."""
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


def test_a_computing_process_is_seen_to_compute(process: subprocess.Popen[bytes]) -> None:
    vitals = Vitals(process.pid)
    for _ in range(2):
        assert seen(lambda: computed(vitals) > 0)
    assert not stopped(vitals)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot stop a process")
def test_a_stopped_process_is_seen_to_be_stopped_and_computes_nothing(
    process: subprocess.Popen[bytes],
) -> None:
    vitals = Vitals(process.pid)
    process.send_signal(signal.SIGSTOP)
    assert seen(lambda: stopped(vitals))
    assert computed(vitals) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_without_a_free_file_descriptor_nothing_is_known_until_there_is_one(
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


def test_a_process_that_is_gone_computes_nothing(process: subprocess.Popen[bytes]) -> None:
    vitals = Vitals(process.pid)
    process.kill()
    process.wait()
    for late in (vitals, Vitals(process.pid)):
        assert computed(late) == 0
        assert not stopped(late)
