"""Interactions are answered once and in time, waited for at the end, and logged in one line each."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

import discord
import pytest
from discord import InteractionType
from simcord import ChannelHandle, MemberActor

from bot.interactions.lifecycle import MAX_AGE, InteractionTracker, kind_of
from bot.interactions.reply import Interaction
from tests.fakes.model import settled
from tests.support.reading import card_of


@dataclass
class Arrived:
    """The part of an interaction that the tracker uses."""

    id: int
    created_at: datetime
    type: InteractionType
    data: dict[str, Any]
    channel_id: int | None
    extras: dict[str, object] = field(default_factory=dict)


def arrived(
    number: int = 1,
    kind: InteractionType = InteractionType.ping,
    *,
    age: timedelta = timedelta(),
    channel: int | None = None,
    **data: Any,
) -> Interaction:
    return cast("Interaction", Arrived(number, discord.utils.utcnow() - age, kind, data, channel))


def command(name: str, *, age: timedelta = timedelta()) -> Interaction:
    return arrived(kind=InteractionType.application_command, age=age, name=name)


async def answer(
    tracker: InteractionTracker, interaction: Interaction, *, error: Exception | None = None
) -> None:
    async def task() -> None:
        assert tracker.accept(interaction)
        tracker.note_acknowledged(interaction.id)
        if error is not None:
            tracker.note_error(interaction.id, error)

    await asyncio.create_task(task())
    await asyncio.sleep(0)


def lines(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.name == "bot.interactions.lifecycle"]


async def test_an_interaction_too_old_to_be_acknowledged_is_dropped() -> None:
    tracker = InteractionTracker()

    assert tracker.accept(arrived(1, age=MAX_AGE - timedelta(seconds=1)))
    assert not tracker.accept(arrived(2, age=MAX_AGE + timedelta(seconds=1)))
    assert tracker.dropped == {"late": 1, "repeated": 0, "elsewhere": 0}


async def test_a_repeated_interaction_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    tracker = InteractionTracker()

    assert [tracker.accept(arrived(number)) for number in (1, 2, 1)] == [True, True, False]
    assert "came a second time" in caplog.text
    assert tracker.dropped == {"late": 0, "repeated": 1, "elsewhere": 0}


async def test_age_counts_from_an_interaction_s_creation() -> None:
    now = 100.0
    tracker = InteractionTracker(clock=lambda: now)
    assert tracker.accept(arrived(1, age=timedelta(seconds=2)))
    now += 58.0

    assert 60.0 <= tracker.age(1) < 60.5
    assert tracker.age(2) == 0.0


async def test_answers_under_way_are_waited_for() -> None:
    tracker, written = InteractionTracker(), asyncio.Event()

    async def answer() -> None:
        assert tracker.accept(arrived(1))
        await written.wait()

    answering = asyncio.create_task(answer())
    await asyncio.sleep(0)
    await tracker.wait_idle(0.0)
    assert not answering.done()

    written.set()
    await tracker.wait_idle(60.0)
    assert answering.done()


async def test_interactions_that_arrive_during_the_wait_are_waited_for_too() -> None:
    tracker, first, second = InteractionTracker(), asyncio.Event(), asyncio.Event()

    async def answer(number: int, written: asyncio.Event) -> None:
        assert tracker.accept(arrived(number))
        await written.wait()

    answering = asyncio.create_task(answer(1, first))
    await asyncio.sleep(0)
    waiting = asyncio.create_task(tracker.wait_idle(60.0))
    await asyncio.sleep(0)
    latecomer = asyncio.create_task(answer(2, second))
    await asyncio.sleep(0)
    first.set()
    await answering
    await settled()
    assert not waiting.done()

    second.set()
    await asyncio.gather(waiting, latecomer)


async def test_waiting_with_nothing_under_way_returns_at_once() -> None:
    await InteractionTracker().wait_idle(60.0)


async def test_answers_in_a_deleted_channel_are_cancelled() -> None:
    tracker = InteractionTracker()

    async def answer(number: int, channel: int | None) -> None:
        assert tracker.accept(arrived(number, channel=channel))
        await asyncio.Event().wait()

    tasks = [asyncio.create_task(answer(*one)) for one in ((1, 10), (2, 20), (3, None), (4, 10))]
    await settled()
    tracker.cancel_in(10)
    await settled()
    assert [task.cancelled() for task in tasks] == [True, False, False, True]

    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


def test_nothing_is_accepted_at_the_very_end() -> None:
    tracker = InteractionTracker()
    tracker.close()

    assert not tracker.accept(arrived(1))


@pytest.mark.parametrize(
    ("interaction", "kind"),
    [
        (arrived(1, InteractionType.application_command, name="next", type=1, options=["x"]), "/next"),
        (arrived(1, InteractionType.application_command, name="Replay", type=3), "Apps → Replay"),
        (arrived(1, InteractionType.autocomplete, name="tokens", type=1), "suggestions"),
        (arrived(1, InteractionType.component, custom_id=f"complete:why:{'0' * 16}:3"), "complete:why"),
        (arrived(1, InteractionType.component, custom_id="share:card"), "share:card"),
        (arrived(1, InteractionType.modal_submit, custom_id=f"complete:fork:{'0' * 16}"), "complete:fork"),
        (arrived(1, InteractionType.component, custom_id="London was"), "other"),
    ],
)
def test_an_interaction_s_kind_contains_nothing_that_was_typed(interaction: Interaction, kind: str) -> None:
    assert kind_of(interaction) == kind


async def test_the_line_says_how_long_the_answer_took(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    seconds: list[float] = []
    await answer(InteractionTracker(seconds.append), command("next", age=timedelta(seconds=1)))

    (line,) = lines(caplog)
    assert line.getMessage().startswith("/next: ok after 1.")
    assert 1.0 <= vars(line)["acknowledged"] <= vars(line)["seconds"] < 2.0
    assert 1.0 <= seconds[0] < 2.0


async def test_the_line_names_the_error_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    await answer(InteractionTracker(), command("next"), error=ValueError("London was"))

    (line,) = lines(caplog)
    assert vars(line)["outcome"] == "ValueError"
    assert "London" not in line.getMessage()


async def test_suggestions_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    await answer(InteractionTracker(), arrived(1, InteractionType.autocomplete, name="tokens"))

    assert lines(caplog) == []


async def test_a_late_acknowledgement_is_ignored() -> None:
    seconds: list[float] = []
    InteractionTracker(seconds.append).note_acknowledged(1)

    assert seconds == []


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="session")
async def test_commands_presses_and_refusals_get_a_line_each(
    ada: MemberActor, channel: ChannelHandle, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    card = card_of(await ada.slash(channel, "complete", prompt="London was", max_tokens=1))
    await ada.click(card, label="Code")
    await ada.slash(channel, "decode", ids="x")

    logged = [(vars(line)["kind"], vars(line)["outcome"]) for line in lines(caplog)]
    assert logged == [("/complete", "ok"), ("run:code", "ok"), ("/decode", "InvalidTokenId")]
    # The simulated Discord has a clock of its own.
    assert all(0 <= vars(line)["seconds"] < 300 for line in lines(caplog))
    assert "London" not in caplog.text
