"""A small version of ``python -m tests.promises.discord_faults``: a few schedules instead of hundreds."""

from __future__ import annotations

import pytest

from tests.promises.discord_faults import measure


@pytest.mark.slow
async def test_no_interaction_is_lost_avoidably_or_answered_twice() -> None:
    measured = await measure(range(7_000, 7_005), at_once=5, quick=True)

    assert measured.errors == ()
    assert measured.problems == ()
    assert measured.faults.total() > 10
    assert measured.ends["answered"] > 10
    assert measured.admitted == measured.model_requests > 10
