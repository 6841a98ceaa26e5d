"""Estimates for a queue agree with what then happens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model.protocol import GenerationRequest, SamplingParams
from bot.queue.eta import Average, Forecast, ends_in, starts_in
from bot.queue.limits import Asker
from bot.queue.ticket import Ticket

SECONDS = st.floats(0, 100)


@given(st.data(), st.integers(1, 4), st.lists(SECONDS, max_size=8))
def test_starts_in_agrees_with_a_simulation(data: st.DataObject, slots: int, ahead: list[float]) -> None:
    running = data.draw(st.lists(SECONDS, max_size=slots))
    slot_ends = running + [0.0] * (slots - len(running))
    for seconds in ahead:
        first = slot_ends.index(min(slot_ends))
        slot_ends[first] += seconds
    assert starts_in(running, ahead, slots) == min(slot_ends)


def test_what_runs_beyond_the_slots_leaves_none_to_others() -> None:
    assert starts_in([1.0, 2.0, 3.0], [], 2) == 2.0
    assert starts_in([1.0, 2.0, 3.0], [5.0], 2) == 3.0
    assert ends_in([1.0, 2.0, 3.0], [5.0], 1) == [1.0, 2.0, 3.0, 8.0]


def test_without_a_slot_there_is_no_estimate() -> None:
    forecast = Forecast(slots=0)
    forecast.measured(0.5)
    assert forecast.starts_in([], []) is None
    assert forecast.ends_in([], [a_ticket("a", tokens=1, group="a")]) == {}


def test_an_average_starts_with_the_first_value_and_follows_the_rest() -> None:
    average = Average()
    assert average.value is None
    average.add(1.0)
    assert average.value == 1.0
    for _ in range(100):
        average.add(3.0)
    assert average.value == pytest.approx(3.0, abs=0.01)


@given(st.data(), st.integers(1, 4), st.lists(SECONDS, max_size=8))
def test_a_request_ends_when_its_successor_could_start(
    data: st.DataObject, slots: int, waiting: list[float]
) -> None:
    running = data.draw(st.lists(SECONDS, max_size=slots))
    ends = ends_in(running, waiting, slots)
    assert ends[: len(running)] == running
    for number, seconds in enumerate(waiting):
        assert ends[len(running) + number] == starts_in(running, waiting[:number], slots) + seconds


def a_ticket(name: str, *, tokens: int, group: str) -> Ticket:
    request = GenerationRequest(name, (1,), SamplingParams(max_new_tokens=tokens))
    return Ticket(request, Asker(1, None), group, admitted_at=0.0, due=600.0, eta=lambda _: None)


def test_a_group_ends_with_its_last_request() -> None:
    forecast = Forecast(slots=2)
    running = [a_ticket("a", tokens=10, group="g"), a_ticket("b", tokens=4, group="b")]
    waiting = [a_ticket("c", tokens=8, group="g"), a_ticket("d", tokens=1, group="d")]
    forecast.measured(0.5)
    assert forecast.ends_in(running, waiting) == {"g": 2.0 + 4.0, "b": 2.0, "d": 5.0 + 0.5}


def test_there_is_no_estimate_before_the_first_measured_step() -> None:
    forecast = Forecast(slots=1)
    assert forecast.pace is None
    assert forecast.starts_in([a_ticket("a", tokens=1, group="a")], []) is None
    assert forecast.ends_in([a_ticket("a", tokens=1, group="a")], []) == {}
