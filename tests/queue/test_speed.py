"""The speed is that of the last minutes: neither of the last text alone nor of all time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.queue.speed import WINDOW, RecentSpeed
from bot.queue.updates import Speed

SLICE = 10.0


def test_before_the_first_token_there_is_none() -> None:
    assert RecentSpeed().read(0.0) is None


def test_slow_and_fast_texts_count_by_their_tokens() -> None:
    speed = RecentSpeed()
    for number in range(30):
        speed.add(100.0 + number, 1.0)
    for number in range(90):
        speed.add(200.0 + number / 10, 0.1)

    found = speed.read(210.0)
    assert found is not None
    assert found.tokens == 120
    assert found.per_second == pytest.approx(120 / 39)


def test_what_is_older_than_the_window_is_forgotten() -> None:
    speed = RecentSpeed()
    speed.add(5.0, 9.0)
    speed.add(100.0, 0.5)

    assert speed.read(5.0 + WINDOW - SLICE) == Speed(2, 9.5)
    assert speed.read(5.0 + WINDOW + SLICE) == Speed(1, 0.5)
    assert speed.read(100.0 + WINDOW + SLICE) is None


def test_tokens_that_took_no_time_have_no_speed() -> None:
    speed = RecentSpeed()
    speed.add(1.0, 0.0)

    assert speed.read(1.0) is None


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0.001, 10)), max_size=60))
def test_the_window_holds_every_newer_token(steps: list[tuple[float, float]]) -> None:
    speed = RecentSpeed()
    now, tokens = 0.0, []
    for pause, seconds in steps:
        now += pause
        tokens.append((now, seconds))
        speed.add(now, seconds)
    found = speed.read(now)

    newest = [seconds for at, seconds in tokens if at > now - WINDOW]
    at_most = [seconds for at, seconds in tokens if at > now - WINDOW - SLICE]
    if found is None:
        assert not newest
    else:
        assert len(newest) <= found.tokens <= len(at_most)
        assert sum(newest) * 0.999 <= found.seconds <= sum(at_most) * 1.001
