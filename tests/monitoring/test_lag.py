"""The event loop's lag: occasional reads miss none, and old ones are forgotten."""

from __future__ import annotations

import asyncio
import time

from bot.monitoring.lag import WINDOW, Lag, measured_lag


def test_the_worst_lag_of_the_last_two_windows_counts() -> None:
    lag = Lag()
    lag.note(0.2, now=100.0)
    lag.note(0.1, now=100.0 + WINDOW - 1)
    assert lag.greatest == 0.2

    lag.note(0.1, now=100.0 + WINDOW + 1)
    assert lag.greatest == 0.2

    lag.note(0.05, now=100.0 + 2 * WINDOW + 2)
    assert lag.greatest == 0.1


def test_lags_before_a_long_pause_are_forgotten() -> None:
    lag = Lag()
    lag.note(0.2, now=100.0)
    lag.note(0.01, now=100.0 + 5 * WINDOW)

    assert lag.greatest == 0.01


async def test_a_blocked_event_loop_is_noticed() -> None:
    async with measured_lag() as lag:
        await asyncio.sleep(0)
        time.sleep(0.2)  # noqa: ASYNC251 - the block under test
        await asyncio.sleep(0.01)

        assert 0.1 < lag.greatest < 5.0
