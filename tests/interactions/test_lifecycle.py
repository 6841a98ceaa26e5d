"""Interactions are answered once, in time, and those in progress are known."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

import discord
import pytest

from bot.interactions.lifecycle import MAX_AGE, InteractionTracker
from bot.interactions.reply import Interaction
from tests.fakes.model import settled


@dataclass
class Arrived:
    """As much of an interaction as tells it from others."""

    id: int
    created_at: datetime
    type: discord.InteractionType = discord.InteractionType.ping
    data: None = None
    channel_id: int | None = None


def arrived(number: int, *, age: timedelta = timedelta(), channel: int | None = None) -> Interaction:
    return cast("Interaction", Arrived(number, discord.utils.utcnow() - age, channel_id=channel))


async def test_what_is_too_old_to_be_acknowledged_is_dropped() -> None:
    tracker = InteractionTracker()

    assert tracker.accept(arrived(1, age=MAX_AGE - timedelta(seconds=1)))
    assert not tracker.accept(arrived(2, age=MAX_AGE + timedelta(seconds=1)))


async def test_what_comes_again_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    tracker = InteractionTracker()

    assert [tracker.accept(arrived(number)) for number in (1, 2, 1)] == [True, True, False]
    assert "came a second time" in caplog.text


async def test_an_interaction_s_age_is_from_when_it_was_made() -> None:
    now = 100.0
    tracker = InteractionTracker(clock=lambda: now)
    assert tracker.accept(arrived(1, age=timedelta(seconds=2)))
    now += 58.0

    assert 60.0 <= tracker.age(1) < 60.5
    assert tracker.age(2) == 0.0


async def test_answers_in_progress_are_waited_for() -> None:
    tracker, written = InteractionTracker(), asyncio.Event()

    async def answer() -> None:
        assert tracker.accept(arrived(1))
        await written.wait()

    answering = asyncio.create_task(answer())
    await asyncio.sleep(0)
    await tracker.answered(0.0)
    assert not answering.done()

    written.set()
    await tracker.answered(60.0)
    assert answering.done()


async def test_what_comes_while_others_are_waited_for_is_waited_for_too() -> None:
    tracker, first, second = InteractionTracker(), asyncio.Event(), asyncio.Event()

    async def answer(number: int, written: asyncio.Event) -> None:
        assert tracker.accept(arrived(number))
        await written.wait()

    answering = asyncio.create_task(answer(1, first))
    await asyncio.sleep(0)
    waiting = asyncio.create_task(tracker.answered(60.0))
    await asyncio.sleep(0)
    latecomer = asyncio.create_task(answer(2, second))
    await asyncio.sleep(0)
    first.set()
    await answering
    await settled()
    assert not waiting.done()

    second.set()
    await asyncio.gather(waiting, latecomer)


async def test_where_a_channel_is_gone_nothing_is_answered_any_more() -> None:
    tracker = InteractionTracker()

    async def answer(number: int, channel: int | None) -> None:
        assert tracker.accept(arrived(number, channel=channel))
        await asyncio.Event().wait()

    tasks = [asyncio.create_task(answer(*one)) for one in ((1, 10), (2, 20), (3, None), (4, 10))]
    await settled()
    tracker.lost(10)
    await settled()
    assert [task.cancelled() for task in tasks] == [True, False, False, True]

    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


def test_at_the_very_end_nothing_is_accepted() -> None:
    tracker = InteractionTracker()
    tracker.close()

    assert not tracker.accept(arrived(1))


async def test_with_nothing_in_progress_nobody_waits() -> None:
    await InteractionTracker().answered(60.0)
