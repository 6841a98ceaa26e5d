"""What a bot learns of replicas: who holds a prefix, who is to be avoided."""

from __future__ import annotations

import logging

import pytest

from bot.model.remote import replicas as replicas_module
from bot.model.remote.replicas import AVOIDED, MEASURED_STEPS, RECENT, Replicas, Stay
from tests.support.clocks import Clock


def write(
    replicas: Replicas, clock: Clock, replica: str, pace: float, steps: int = 2 * MEASURED_STEPS
) -> None:
    stay = Stay(replicas, replica)
    for _ in range(steps):
        stay.step()
        clock.now += pace
    clock.now -= pace
    stay.ended()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def replicas(clock: Clock) -> Replicas:
    return Replicas(clock)


def test_the_newest_holder_of_a_prefix_is_remembered(replicas: Replicas) -> None:
    assert replicas.holder(1) == ""
    replicas.holds(1, "a")
    replicas.holds(1, "b")
    assert replicas.holder(1) == "b"
    replicas.forget()
    assert replicas.holder(1) == ""


def test_no_more_prefixes_are_kept_than_agreed(replicas: Replicas, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replicas_module, "PREFIXES", 2)
    for prefix in range(3):
        replicas.holds(prefix, "a")
    assert [replicas.holder(prefix) for prefix in range(3)] == ["", "a", "a"]


def test_a_replica_that_broke_is_avoided_for_a_while_and_named_once(
    replicas: Replicas, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    replicas.holds(1, "a")
    replicas.broke("a", "it sent a frame of 0 bytes")
    replicas.broke("a", "it broke off")
    assert (replicas.avoided, replicas.holder(1)) == (("a",), "")
    assert [record.getMessage() for record in caplog.records] == [
        "replica a broke (it sent a frame of 0 bytes); others go on with its texts"
    ]
    clock.now += AVOIDED
    assert (replicas.avoided, replicas.holder(1)) == ((), "a")


def test_a_replica_is_pardoned_where_the_way_to_it_broke(replicas: Replicas) -> None:
    replicas.broke("a", "it broke off")
    replicas.pardon("a")
    assert replicas.avoided == ()


def test_a_slow_replica_is_avoided_and_named(
    replicas: Replicas, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("a", "b"):
        write(replicas, clock, name, 0.05)
    write(replicas, clock, "c", 0.5)
    assert replicas.avoided == ("c",)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == "replica c is slow: 0.50 s a token, others take 0.05 s"


def test_a_slow_replica_is_found_before_its_text_has_ended(replicas: Replicas, clock: Clock) -> None:
    write(replicas, clock, "a", 0.05)
    stay = Stay(replicas, "b")
    for _ in range(7):
        stay.step()
        clock.now += 1.0
    assert replicas.avoided == ("b",)


def test_a_replica_as_fast_as_the_others_once_were_is_not_slow(replicas: Replicas, clock: Clock) -> None:
    write(replicas, clock, "a", 0.05)
    clock.now += RECENT
    write(replicas, clock, "b", 0.5)
    assert replicas.avoided == ()


@pytest.mark.parametrize("steps", [0, 1, MEASURED_STEPS])
def test_a_text_of_a_few_steps_says_nothing(replicas: Replicas, clock: Clock, steps: int) -> None:
    write(replicas, clock, "a", 0.05)
    write(replicas, clock, "b", 0.5, steps)
    assert replicas.avoided == ()
