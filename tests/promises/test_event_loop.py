"""A small version of ``python -m tests.promises.event_loop``, and its verdict."""

from dataclasses import replace

import pytest

from tests.promises.event_loop import Lag, measure

WELL = Lag(worst=0.05, actions=100, refused=0, busy=1.0)


@pytest.mark.slow
async def test_no_command_is_refused_while_the_lag_is_measured() -> None:
    lagged = await measure(3.0, 4.0, seed=1, settled=0.0)

    assert lagged.actions > 0
    assert lagged.refused == 0


def test_a_late_loop_or_too_little_load_fails() -> None:
    assert WELL.kept
    assert not replace(WELL, worst=0.1).kept
    assert not replace(WELL, refused=1).kept
    assert not replace(WELL, busy=0.5).kept
    assert not replace(WELL, actions=0).kept
