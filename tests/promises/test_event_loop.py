"""The program that looks at the event loop, in small, and its verdict."""

from dataclasses import replace

import pytest

from tests.promises.event_loop import Lagged, measure

WELL = Lagged(greatest=0.05, actions=100, refused=0, busy=1.0)


@pytest.mark.slow
async def test_everything_is_admitted_while_it_looks() -> None:
    lagged = await measure(3.0, 4.0, seed=1, settled=0.0)

    assert lagged.actions > 0
    assert lagged.refused == 0


def test_the_promise_is_missed_by_a_late_loop_or_where_too_little_was_done() -> None:
    assert WELL.kept
    assert not replace(WELL, greatest=0.1).kept
    assert not replace(WELL, refused=1).kept
    assert not replace(WELL, busy=0.5).kept
    assert not replace(WELL, actions=0).kept
