"""The commands reach Discord as soon as it accepts them; until then the bot serves the ones it has."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import discord
import pytest

from bot import client
from bot.interactions import sync
from bot.interactions.sync import canonical, pause_after
from tests.fakes.discord import FakeDiscord
from tests.fakes.discord.faults import (
    Answered,
    Failed,
    Limited,
    Planned,
    Refused,
    RequestFault,
    Reset,
    Silent,
)
from tests.fakes.discord.hosted import hosted
from tests.fakes.discord.paths import COMMANDS
from tests.support.waiting import until

TOO_MANY = Answered(
    400,
    json.dumps(
        {"code": 30034, "message": "Max number of daily\napplication command creates has been reached (200)"}
    ),
    "application/json",
)
REFUSALS = [
    (
        TOO_MANY,
        "HTTP 400, code 30034: Max number of daily application command creates has been reached (200)",
    ),
    (Refused(50035), "HTTP 400, code 50035: Invalid Form Body"),
    (Refused(50001), "HTTP 403, code 50001: Missing Access"),
    (Limited(40_000), "HTTP 429, for the next 40,000 s"),
    (Limited(40_000, everywhere=True), "HTTP 429, for the next 40,000 s"),
    (Answered(429, headers={"Retry-After": "5"}), "HTTP 429, not from Discord itself"),
    (Answered(403), "HTTP 403, not from Discord itself"),
    (Answered(404), "HTTP 404, not from Discord itself"),
    (Failed(503), "HTTP 503"),
    (Reset(), "no answer, aiohttp."),
]


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "PAUSE", 0.05)
    monkeypatch.setattr(sync, "LONGEST_WANTED", 0.05)
    monkeypatch.setattr(client, "SYNC_PATIENCE", 0.2)


@asynccontextmanager
async def joined(method: str, faults: Iterable[RequestFault | None]) -> AsyncIterator[FakeDiscord]:
    """Let the bot join a Discord whose first responses about commands are these ``faults``."""
    async with FakeDiscord.opened(faults=Planned(method, COMMANDS, faults)) as fake, hosted(fake):
        assert fake.gateway.is_connected
        yield fake


@pytest.mark.slow
@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize(("fault", "said"), REFUSALS, ids=[said for _, said in REFUSALS])
async def test_a_refusal_is_logged_once_and_tried_again(
    method: str, fault: RequestFault, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with joined(method, [fault, fault]) as fake:
        await until(lambda: bool(fake.commands))

    (warning,) = (record.getMessage() for record in caplog.records if record.name == sync.__name__)
    assert warning.startswith(f"Discord did not accept the commands ({said}")
    assert "\n" not in warning
    assert not any(record.exc_info for record in caplog.records)


@pytest.mark.slow
async def test_people_are_served_with_the_commands_that_discord_has() -> None:
    async with FakeDiscord.opened() as fake:
        async with hosted(fake):
            pass
        fake.commands[0]["description"] = "what it was before"
        fake.rest.faults = Planned("PUT", COMMANDS, [TOO_MANY] * 1_000)
        async with hosted(fake):
            interaction = fake.slash(fake.person("ada"), fake.channel(), "tokens", text="London was")
            await interaction.settled()

    assert fake.commands[0]["description"] == "what it was before"


@pytest.mark.slow
@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize("fault", [Silent(), Limited(600)])
async def test_a_slow_answer_does_not_keep_the_bot_from_joining_and_leaving(
    method: str, fault: RequestFault, caplog: pytest.LogCaptureFixture
) -> None:
    async with asyncio.timeout(20), joined(method, [fault]) as fake:
        assert not fake.commands

    said = "Discord has not accepted the commands yet; serving the ones it has"
    assert [record.getMessage() for record in caplog.records if record.name == client.__name__] == [said]


@pytest.mark.parametrize("body", ["{}", "null", '"sign in"', "[", "[{}]", '["x"]'])
async def test_anything_but_a_list_of_commands_is_a_refusal_too(
    body: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with joined("GET", [Answered(200, body, "application/json")]) as fake:
        await until(lambda: bool(fake.commands))

    assert "Discord did not accept the commands (an answer that is not Discord's" in caplog.text
    caplog.clear()


async def test_a_web_page_instead_of_commands_is_a_refusal_too(caplog: pytest.LogCaptureFixture) -> None:
    async with joined("GET", [Answered(200)]) as fake:
        await until(lambda: bool(fake.commands))

    assert "an answer that is not Discord's" in caplog.text


async def test_a_new_reason_is_logged_as_well(caplog: pytest.LogCaptureFixture) -> None:
    async with joined("PUT", [TOO_MANY, TOO_MANY, Refused(50001)]) as fake:
        await until(lambda: bool(fake.commands))

    assert caplog.text.count("code 30034") == 1
    assert caplog.text.count("code 50001") == 1


@pytest.mark.parametrize(
    ("error", "failures", "seconds"),
    [
        (OSError(), 0, 60),
        (OSError(), 3, 480),
        (OSError(), 5_000, 6 * 3600),
        (discord.RateLimited(1), 0, 60),
        (discord.RateLimited(40_000), 0, 40_000),
        (discord.RateLimited(1e12), 7, 24 * 3600),
    ],
)
def test_attempts_come_when_discord_asks_or_less_and_less_often(
    error: Exception, failures: int, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()

    assert pause_after(error, failures) == seconds


async def test_unchanged_commands_are_not_sent_again_and_localizations_are_requested() -> None:
    async with FakeDiscord.opened() as fake:
        for _ in range(2):
            async with hosted(fake):
                pass
        sent = [request for request in fake.requests if request.template == COMMANDS]

    assert [request.method for request in sent] == ["GET", "PUT", "GET"]
    assert {request.query["with_localizations"] for request in sent if request.method == "GET"} == {"true"}


def test_localizations_that_only_discord_has_count_as_a_change() -> None:
    here = {"name": "x", "type": 1, "options": [{"name": "o", "type": 3}]}
    translated = here | {"description_localizations": {"de": "etwas"}}
    inside = here | {"options": [{"name": "o", "type": 3, "name_localizations": {"de": "p"}}]}

    assert canonical([here]) != canonical([translated])
    assert canonical([here]) != canonical([inside])


def test_absent_and_null_localizations_of_a_choice_are_the_same() -> None:
    here = {"name": "x", "type": 1, "options": [{"name": "o", "choices": [{"name": "a", "value": 0}]}]}
    choice = {"name": "a", "value": 0, "name_localizations": None}
    there = {"name": "x", "type": 1, "options": [{"name": "o", "choices": [choice]}]}

    assert canonical([here]) == canonical([there])
