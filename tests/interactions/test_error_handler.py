"""The requester gets a reply to any error, even to one that cannot describe itself."""

from __future__ import annotations

import logging

import pytest

from bot.errors import InputError
from bot.interactions.error_handler import UNEXPECTED
from bot.text.tokenization import Encodings
from tests.fakes.discord import FakeDiscord, Interaction, texts
from tests.fakes.discord.faults import NoFaults, Planned, Refused, RequestFault
from tests.fakes.discord.hosted import hosted
from tests.fakes.discord.paths import CALLBACK
from tests.support.waiting import until

BAD_FORM = Refused(50035)


class Saying(InputError):
    """An error with the message ``words``."""

    def __init__(self, words: str) -> None:
        self.words = words

    @property
    def sentence(self) -> str:
        return self.words


class Mute(InputError):
    """An error that fails while describing itself, as one that quoted 5,000 digits once did."""

    @property
    def sentence(self) -> str:
        return str(int("9" * 5_000))


class Failing(Encodings):
    """Encodings that fail at every name."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def resolve(self, name: str) -> str:
        raise self._error


async def answered(error: Exception, *refusals: RequestFault) -> Interaction:
    """Let a command fail with ``error``, and Discord refuse the first replies with ``refusals``."""
    faults = Planned("POST", CALLBACK, refusals)
    async with (
        FakeDiscord.opened(faults=faults) as discord,
        hosted(discord, encodings=Failing(error)),
    ):
        interaction = discord.slash(
            discord.person("ada"), discord.channel(), "tokens", text="x", encoding="y"
        )
        await interaction.until(lambda: bool(interaction.all_messages))
    return interaction


def said(interaction: Interaction) -> str:
    (message,) = interaction.all_messages
    assert message.is_ephemeral
    return "\n".join(texts(message.components))


@pytest.mark.parametrize(
    "error",
    [
        Saying("x" * 100_000 + "."),
        Saying("@everyone " * 4_000),
        Saying("\ud800\x1b[2J\x00."),
        Saying(""),
        Saying("\n" * 5_000),
        Mute(),
        ValueError("\ud800" * 5_000),
        RecursionError(),
        ExceptionGroup("many", [ValueError(), Saying("x")]),
    ],
    ids=lambda error: f"{type(error).__name__} {str(vars(error))[:20]}",
)
async def test_every_error_is_answered(error: Exception) -> None:
    text = said(await answered(error))

    assert 0 < len(text) < 4_000


async def test_an_error_that_cannot_describe_itself_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert said(await answered(Mute())) == UNEXPECTED
    assert [record.levelno for record in caplog.records if record.levelno > logging.INFO] == [logging.ERROR]


async def test_a_sentence_that_discord_refuses_is_replaced_by_a_plain_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert said(await answered(Saying("Something odd."), BAD_FORM)) == UNEXPECTED
    assert "could not send an error's own sentence" in caplog.text


async def test_an_error_is_only_logged_if_the_plain_sentence_is_refused_too(
    caplog: pytest.LogCaptureFixture,
) -> None:
    faults = Planned("POST", CALLBACK, [BAD_FORM, BAD_FORM])
    async with (
        FakeDiscord.opened(faults=faults) as discord,
        hosted(discord, encodings=Failing(Saying("Oh."))),
    ):
        discord.slash(discord.person("ada"), discord.channel(), "tokens", text="x", encoding="y")
        await until(lambda: "could not send an error message" in caplog.text)

    assert "could not send an error's own sentence" in caplog.text


@pytest.mark.parametrize("digits", ["0" * 10 + "9" * 4_000, "9" * 5_000, "٩" * 6_000, "0" * 6_000])
async def test_ids_of_thousands_of_digits_are_answered(digits: str) -> None:
    async with FakeDiscord.opened(faults=NoFaults()) as discord, hosted(discord):
        interaction = discord.slash(discord.person("ada"), discord.channel(), "decode", ids=digits)
        await interaction.until(lambda: bool(interaction.all_messages) and interaction.is_settled)

    (card,) = interaction.all_messages
    assert ("isn't a token id in gpt2" in str(card)) == (digits[-1] != "0")
