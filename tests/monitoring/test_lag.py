"""The event loop's lag: none is missed by who asks now and then, and old ones are forgotten."""

from __future__ import annotations

import asyncio
import time

from bot.monitoring.lag import WINDOW, Lag, watched_lag


def test_the_greatest_of_the_last_two_windows_is_told() -> None:
    lag = Lag()
    lag.note(0.2, now=100.0)
    lag.note(0.1, now=100.0 + WINDOW - 1)
    assert lag.greatest == 0.2

    lag.note(0.1, now=100.0 + WINDOW + 1)
    assert lag.greatest == 0.2

    lag.note(0.05, now=100.0 + 2 * WINDOW + 2)
    assert lag.greatest == 0.1


def test_after_a_pause_nothing_old_is_told() -> None:
    lag = Lag()
    lag.note(0.2, now=100.0)
    lag.note(0.01, now=100.0 + 5 * WINDOW)

    assert lag.greatest == 0.01


async def test_an_event_loop_that_is_held_up_is_noticed() -> None:
    async with watched_lag() as lag:
        await asyncio.sleep(0)
        time.sleep(0.2)  # noqa: ASYNC251 - it is to be held up
        await asyncio.sleep(0.01)

        assert 0.1 < lag.greatest < 5.0
