"""What broken streams mean for a text."""

from __future__ import annotations

import pytest

from bot.errors import GenerationFailed
from bot.model.protocol import Ended, Rejected, Stepped
from bot.model.remote.attempts import Attempts, StepMissing
from tests.fakes.scripted_worker import scripted_step
from tests.support.scripted_requests import a_request


def step(index: int) -> Stepped:
    return Stepped("a", index, scripted_step(a_request(), index))


def heard(text: Attempts, *indices: int) -> list[int]:
    """The indices of the steps that are passed on."""
    events = [text.heard(step(index)) for index in indices]
    return [event.index for event in events if isinstance(event, Stepped)]


def test_steps_that_were_passed_on_are_dropped_when_another_replica_begins_again() -> None:
    text = Attempts()
    text.begin("a")
    assert heard(text, 0, 1, 2) == [0, 1, 2]
    text.broke()
    text.begin("b")
    assert heard(text, 0, 1) == []
    text.broke()
    text.begin("c")
    assert heard(text, 0, 1, 2, 3) == [3]
    assert text.heard(Ended("a", "length")) == Ended("a", "length")


def test_a_step_left_out_is_noticed() -> None:
    text = Attempts()
    text.begin("a")
    with pytest.raises(StepMissing):
        text.heard(step(1))


def test_an_end_before_what_was_passed_on_is_noticed() -> None:
    text = Attempts()
    text.begin("a")
    heard(text, 0, 1)
    text.broke()
    text.begin("b")
    with pytest.raises(StepMissing):
        text.heard(Ended("a", "length"))


def test_a_rejected_text_fails() -> None:
    with pytest.raises(GenerationFailed):
        Attempts().heard(Rejected("a", "no"))


def test_why_a_text_was_rejected_is_one_short_line() -> None:
    # It goes to the log, and comes from another machine.
    with pytest.raises(GenerationFailed) as error:
        Attempts().heard(Rejected("a", "no\n\x1b[2J2026-01-01 INFO - all is well" + "!" * 1_000))
    assert error.value.detail.startswith("no �[2J2026-01-01 INFO - all is well!")
    assert len(error.value.detail) == 200


def test_two_replicas_at_the_same_step_are_the_text_s_fault() -> None:
    text = Attempts()
    text.begin("a")
    heard(text, 0)
    text.broke()
    text.begin("b")
    heard(text, 0)
    with pytest.raises(GenerationFailed):
        text.broke()


def test_two_replicas_at_different_steps_are_not() -> None:
    text = Attempts()
    for number, replica in enumerate("abcdef"):
        text.begin(replica)
        heard(text, *range(number))
        text.broke()


def test_one_replica_twice_at_the_same_step_is_not_either() -> None:
    # Its proxy went, twice: the replica itself is well.
    text = Attempts()
    for _ in range(3):
        text.begin("a")
        text.broke()


def test_a_service_that_is_gone_is_what_broke_the_stream() -> None:
    text = Attempts()
    for replica in "abc":
        text.begin(replica)
        text.broke()
        text.not_connected()
