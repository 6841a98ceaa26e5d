"""When a text is tried again, and when it is given up."""

from __future__ import annotations

from bot.model.remote.patience import Patience
from tests.support.clocks import Clock


def test_pauses_double_up_to_the_longest_until_the_text_gets_further() -> None:
    patience = Patience(0.5, 60.0, Clock())
    assert [patience.next_pause() for _ in range(4)] == [0.5, 1.0, 2.0, 2.0]
    patience.got_further()
    assert patience.next_pause() == 0.5


def test_it_ends_after_so_many_seconds_without_getting_further() -> None:
    clock = Clock()
    patience = Patience(0.5, 60.0, clock)
    assert not patience.lost()
    clock.now += 59
    assert not patience.lost()
    clock.now += 1
    assert patience.lost()
    patience.got_further()
    assert not patience.lost()


def test_waiting_for_a_place_costs_none() -> None:
    clock = Clock()
    patience = Patience(0.5, 60.0, clock)
    assert not patience.lost()
    clock.now += 100
    patience.waited()
    assert not patience.lost()
