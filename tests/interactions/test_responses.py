"""Lost requests are sent again, and nothing is answered twice."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bot.errors import BlankText, DiscordFailed
from tests.fakes.discord import CallbackType, FakeDiscord, Interaction, texts
from tests.fakes.discord.faults import Failed, NoFaults, Planned, Refused, RequestFault, Reset
from tests.fakes.discord.hosted import hosted
from tests.fakes.discord.paths import CALLBACK, FILE, FOLLOW_UPS, WEBHOOK_MESSAGE
from tests.fakes.discord.requests import Request
from tests.fakes.model import FakeModel
from tests.support.waiting import until

LOST, REPLY_LOST = Reset(), Reset(applied=True)
DONE_BUT_FAILED = Failed(502, applied=True)


@asynccontextmanager
async def failing(
    method: str,
    template: str,
    faults: Iterable[RequestFault | None],
    caplog: pytest.LogCaptureFixture,
    **limits: Any,
) -> AsyncIterator[FakeDiscord]:
    """The bot on a Discord where these requests fail in this order; it must log no error."""
    planned = Planned(method, template, faults)
    async with FakeDiscord.opened(faults=planned) as discord, hosted(discord, **limits):
        yield discord
    assert discord.violations == []
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def complete(discord: FakeDiscord, prompt: str = "London was", **options: Any) -> Interaction:
    ada, channel = discord.person("ada"), discord.channel()
    return discord.slash(ada, channel, "complete", prompt=prompt, max_tokens=2, **options)


def tokens(discord: FakeDiscord, *, private: bool = False) -> Interaction:
    """Request a reply that "thinking…" precedes and that contains a picture."""
    return discord.slash(discord.person("ada"), discord.channel(), "tokens", text="London", private=private)


def busy() -> dict[str, Any]:
    """A model that never finishes, and one request per person."""
    return {"model": FakeModel(stepwise=True), "per_person": 1}


async def refused_after_thinking(discord: FakeDiscord) -> Interaction:
    """Make a second request while the only one allowed is being written."""
    first = await complete(discord).acknowledged()
    refused = await complete(discord, seed=1).settled()
    await discord.press(discord.person("ada"), first.reply, label="Stop").settled()
    await first.settled()
    return refused


async def until_refused(discord: FakeDiscord) -> None:
    async def refused() -> bool:
        return discord.requests[-1].template == CALLBACK

    await until(refused)


def read(interaction: Interaction) -> list[str]:
    """Return the text of each message of the reply."""
    return ["\n".join(texts(message.components)) for message in interaction.all_messages]


@pytest.mark.slow
@pytest.mark.parametrize(
    "faults",
    [[LOST], [REPLY_LOST], [LOST, REPLY_LOST], [LOST] * 4, [DONE_BUT_FAILED], [LOST, DONE_BUT_FAILED]],
)
async def test_a_lost_acknowledgement_is_sent_again(
    faults: list[RequestFault], caplog: pytest.LogCaptureFixture
) -> None:
    async with failing("POST", CALLBACK, faults, caplog) as discord:
        shown_at_once = await complete(discord).settled()

    (card,) = read(shown_at_once)
    assert "London was" in card


@pytest.mark.slow
@pytest.mark.parametrize("fault", [LOST, REPLY_LOST, DONE_BUT_FAILED])
async def test_a_lost_thinking_is_sent_again(fault: RequestFault, caplog: pytest.LogCaptureFixture) -> None:
    async with failing("POST", CALLBACK, [fault], caplog) as discord:
        thought_of = await tokens(discord, private=True).settled()

    (card,) = read(thought_of)
    assert "1 token for GPT-2 and GPT-3" in card
    assert thought_of.reply is not None
    assert thought_of.reply.is_ephemeral


@pytest.mark.slow
@pytest.mark.parametrize("fault", [LOST, REPLY_LOST, DONE_BUT_FAILED])
async def test_an_error_as_first_answer_is_shown_once(
    fault: RequestFault, caplog: pytest.LogCaptureFixture
) -> None:
    async with failing("POST", CALLBACK, [fault], caplog) as discord:
        interaction = complete(discord, "  ")
        await interaction.until(lambda: discord.requests[-1].status == 200 and bool(interaction.all_messages))

    (card,) = read(interaction)
    assert BlankText("prompt").sentence in card


async def test_an_error_takes_the_place_of_a_card_that_came_through_unnoticed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with failing("POST", CALLBACK, [REPLY_LOST, Refused(50013)], caplog) as discord:
        interaction = await complete(discord).settled()

    (card,) = read(interaction)
    assert DiscordFailed().sentence in card


@pytest.mark.slow
@pytest.mark.parametrize("private", [True, False])
async def test_an_error_takes_the_place_of_thinking_that_came_through_unnoticed(
    private: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async with failing("POST", CALLBACK, [REPLY_LOST, *[LOST] * 4], caplog) as discord:
        interaction = tokens(discord, private=private)
        await interaction.until(
            lambda: DiscordFailed().sentence in str(read(interaction)) and len(read(interaction)) == 1
        )

    (message,) = interaction.all_messages
    assert message.is_ephemeral


async def test_a_press_whose_acknowledgement_is_lost_counts_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with failing("POST", CALLBACK, [None, REPLY_LOST], caplog) as discord:
        interaction = await complete(discord).settled()
        pressed = discord.press(discord.person("ada"), interaction.reply, label="Continue")
        await pressed.until(lambda: pressed.is_settled and pressed.reply is not None)
        (card,) = read(pressed)
        await pressed.until(lambda: read(pressed) != [card] and pressed.is_settled)

    assert pressed.callback is CallbackType.DEFERRED_UPDATE
    assert len(read(pressed)) == 1


@pytest.mark.slow
async def test_a_picture_is_sent_until_it_arrives(caplog: pytest.LogCaptureFixture) -> None:
    async with failing("PATCH", WEBHOOK_MESSAGE, [LOST, REPLY_LOST, LOST], caplog) as discord:
        interaction = await tokens(discord).settled()

    assert interaction.reply is not None
    (picture,) = interaction.reply.attachments.values()
    assert picture.content.startswith(b"\x89PNG")


@pytest.mark.slow
@pytest.mark.parametrize("faults", [[], [LOST], [LOST] * 5])
async def test_an_error_after_thinking_arrives_in_the_end(
    faults: list[RequestFault], caplog: pytest.LogCaptureFixture
) -> None:
    async with failing("POST", FOLLOW_UPS, faults, caplog, **busy()) as discord:
        refused = await refused_after_thinking(discord)

    assert refused.callback is CallbackType.DEFERRED_MESSAGE
    (card,) = read(refused)
    assert "You already have 1 request in progress" in card


async def test_a_placeholder_that_cannot_be_deleted_shows_the_error(caplog: pytest.LogCaptureFixture) -> None:
    async with failing("DELETE", WEBHOOK_MESSAGE, [Refused(50013)], caplog, **busy()) as discord:
        refused = await refused_after_thinking(discord)

    assert refused.reply is not None
    assert "You already have 1 request in progress" in read(refused)[0]


async def test_discord_s_refusal_becomes_a_sentence(caplog: pytest.LogCaptureFixture) -> None:
    async with failing("POST", CALLBACK, [Refused(50013)], caplog) as discord:
        interaction = await tokens(discord).settled()

    assert DiscordFailed().sentence in read(interaction)[0]


async def test_another_copy_of_the_bot_may_have_answered(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with failing("POST", CALLBACK, [], caplog) as discord:
        interaction = tokens(discord)
        discord.responses.call_back(
            interaction.id, interaction.token, {"type": CallbackType.DEFERRED_MESSAGE}, {}
        )
        await until_refused(discord)

    assert [request.status for request in discord.requests if request.template == CALLBACK] == [400]
    assert interaction.reply is not None
    assert interaction.reply.is_loading


async def test_a_lost_deletion_is_sent_again(caplog: pytest.LogCaptureFixture) -> None:
    async with failing("DELETE", WEBHOOK_MESSAGE, [LOST], caplog) as discord:
        interaction = await complete(discord).settled()
        pressed = discord.press(discord.person("ada"), interaction.reply, label="Delete")
        await pressed.until(lambda: interaction.reply is not None and interaction.reply.deleted)

    assert pressed.all_messages == []


async def test_a_picture_to_share_is_fetched_again_if_it_was_lost(caplog: pytest.LogCaptureFixture) -> None:
    async with failing("GET", FILE, [LOST], caplog) as discord:
        interaction = await tokens(discord, private=True).settled()
        shared = await discord.press(discord.person("ada"), interaction.reply, label="Share").settled()

    assert shared.reply is not None
    assert len(shared.reply.attachments) == 1


@pytest.mark.slow
@pytest.mark.parametrize("fault", [LOST, Refused(50001)])
async def test_lost_suggestions_are_no_error(fault: RequestFault, caplog: pytest.LogCaptureFixture) -> None:
    async with failing("POST", CALLBACK, [fault], caplog) as discord:
        ada, channel = discord.person("ada"), discord.channel()
        discord.autocomplete(ada, channel, "vocabulary", focused="query", query="Lon")
        await until_refused(discord)
        await tokens(discord).settled()


async def test_an_event_that_arrives_twice_is_answered_once(caplog: pytest.LogCaptureFixture) -> None:
    faults = Planned("POST", CALLBACK, [], copies=2)
    async with FakeDiscord.opened(faults=faults) as discord, hosted(discord) as bot:
        interaction = await complete(discord).settled()

    assert len(bot.model.started) == 1
    assert len(read(interaction)) == 1
    assert [request.status for request in discord.requests if request.template == CALLBACK] == [200]


@pytest.mark.parametrize("command", ["complete", "compare"])
async def test_stop_does_not_wait_for_discord(command: str) -> None:
    model = FakeModel(stepwise=True)
    running: list[int] = []

    class Watching(NoFaults):
        def of_request(self, request: Request) -> None:
            if request.template == CALLBACK:
                running.append(len(model.running))

    async with FakeDiscord.opened(faults=Watching()) as discord, hosted(discord, model, max_running=6):
        ada = discord.person("ada")
        interaction = await discord.slash(
            ada, discord.channel(), command, prompt="Oh", max_tokens=2
        ).acknowledged()
        await until(lambda: "Stop" in str(interaction.reply))
        await discord.press(ada, interaction.reply, label="Stop").settled()
        await interaction.settled()

    assert running[-1] == 0  # when the press was acknowledged
