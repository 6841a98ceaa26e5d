"""What the bot makes of a Discord that fails; the program takes hundreds of schedules, this a few."""

from __future__ import annotations

import pytest

from tests.promises.discord_faults import measure


@pytest.mark.slow
async def test_nothing_is_lost_that_could_be_kept_and_nothing_told_twice() -> None:
    measured = await measure(range(7_000, 7_005), at_once=5, quick=True)

    assert measured.errors == ()
    assert measured.problems == ()
    assert measured.faults.total() > 10
    assert measured.ends["answered"] > 10
    assert measured.admitted == measured.asked_of_model > 10
