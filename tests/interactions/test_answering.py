"""One line for each interaction that was answered: what it was, how long it took, how it ended."""

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

from bot.interactions.answering import kind_of
from bot.interactions.lifecycle import InteractionTracker
from bot.interactions.reply import Interaction
from tests.support.reading import card_of


@dataclass
class Arrived:
    """As much of an interaction as tells what it is."""

    type: InteractionType
    data: dict[str, Any]
    id: int = 1
    created_at: datetime = field(default_factory=discord.utils.utcnow)
    channel_id: int = 1


def arrived(kind: InteractionType, *, age: timedelta = timedelta(), **data: Any) -> Interaction:
    return cast("Interaction", Arrived(kind, data, created_at=discord.utils.utcnow() - age))


def lines(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.name == "bot.interactions.answering"]


async def answer(
    tracker: InteractionTracker, interaction: Interaction, *, error: Exception | None = None
) -> None:
    async def task() -> None:
        assert tracker.accept(interaction)
        tracker.acknowledged(interaction.id)
        if error is not None:
            tracker.failed(interaction.id, error)

    await asyncio.create_task(task())
    await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("interaction", "kind"),
    [
        (arrived(InteractionType.application_command, name="next", type=1, options=["x"]), "/next"),
        (arrived(InteractionType.application_command, name="Replay", type=3), "Apps → Replay"),
        (arrived(InteractionType.autocomplete, name="tokens", type=1), "suggestions"),
        (arrived(InteractionType.component, custom_id=f"complete:why:{'0' * 16}:3"), "complete:why"),
        (arrived(InteractionType.component, custom_id="share:card"), "share:card"),
        (arrived(InteractionType.modal_submit, custom_id=f"complete:fork:{'0' * 16}"), "complete:fork"),
        (arrived(InteractionType.component, custom_id="London was"), "other"),
    ],
)
def test_an_interaction_is_named_without_what_was_typed(interaction: Interaction, kind: str) -> None:
    assert kind_of(interaction) == kind


async def test_it_says_how_long_the_answer_took(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    seconds: list[float] = []
    interaction = arrived(InteractionType.application_command, age=timedelta(seconds=1), name="next")
    await answer(InteractionTracker(seconds.append), interaction)

    (line,) = lines(caplog)
    assert line.getMessage().startswith("/next: ok after 1.")
    assert 1.0 <= vars(line)["acknowledged"] <= vars(line)["seconds"] < 2.0
    assert 1.0 <= seconds[0] < 2.0


async def test_an_error_is_named(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    interaction = arrived(InteractionType.application_command, name="next")
    await answer(InteractionTracker(), interaction, error=ValueError("London was"))

    (line,) = lines(caplog)
    assert vars(line)["outcome"] == "ValueError"
    assert "London" not in line.getMessage()


async def test_suggestions_while_somebody_types_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    await answer(InteractionTracker(), arrived(InteractionType.autocomplete, name="tokens"))

    assert lines(caplog) == []


async def test_an_acknowledgement_of_what_is_over_is_ignored() -> None:
    seconds: list[float] = []
    InteractionTracker(seconds.append).acknowledged(1)

    assert seconds == []


@pytest.mark.asyncio(loop_scope="session")
async def test_commands_presses_and_refusals_each_have_their_line(
    ada: MemberActor, channel: ChannelHandle, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    card = card_of(await ada.slash(channel, "complete", prompt="London was", max_tokens=1))
    await ada.click(card, label="Code")
    await ada.slash(channel, "decode", ids="x")

    told = [(vars(line)["kind"], vars(line)["outcome"]) for line in lines(caplog)]
    assert told == [("/complete", "ok"), ("run:code", "ok"), ("/decode", "InvalidTokenId")]
    # The simulated Discord has a clock of its own.
    assert all(0 <= vars(line)["seconds"] < 300 for line in lines(caplog))
    assert "London" not in caplog.text
