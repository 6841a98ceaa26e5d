"""AGE_RESTRICTED in channels and threads, on servers that have added the bot and on others."""

from __future__ import annotations

import pytest

from bot.errors import AgeRestricted, AgeUnknown
from bot.moderation.rules import Rules
from tests.fakes.discord import FakeDiscord, texts
from tests.fakes.discord.hosted import hosted
from tests.fakes.discord.state import Channel

ANSWERED = "2 tokens for GPT-2 and GPT-3"
REFUSED = AgeRestricted().sentence
UNKNOWN = AgeUnknown().sentence


async def said_in(fake: FakeDiscord, at: Channel) -> str:
    interaction = await fake.slash(fake.person("ada"), at, "tokens", text="London was").settled()
    assert interaction.reply is not None
    return "\n".join(texts(interaction.reply.components))


@pytest.mark.parametrize(
    ("has_bot", "nsfw", "in_thread", "expected"),
    [
        (True, True, False, ANSWERED),
        (True, False, False, REFUSED),
        (True, True, True, ANSWERED),
        (True, False, True, REFUSED),
        # people who installed the bot for themselves bring it along
        (False, True, False, ANSWERED),
        (False, False, False, REFUSED),
        (False, True, True, UNKNOWN),
        (False, False, True, UNKNOWN),
    ],
)
async def test_a_thread_is_as_restricted_as_its_channel_if_discord_names_it(
    has_bot: bool, nsfw: bool, in_thread: bool, expected: str
) -> None:
    async with FakeDiscord.opened() as fake, hosted(fake, rules=Rules(age_restricted=True)):
        channel = fake.channel(guild=fake.guild(has_bot=has_bot), nsfw=nsfw)
        said = await said_in(fake, fake.thread(channel) if in_thread else channel)

    assert expected in said


@pytest.mark.parametrize("has_bot", [True, False])
async def test_threads_are_answered_while_nothing_is_restricted(has_bot: bool) -> None:
    async with FakeDiscord.opened() as fake, hosted(fake):
        thread = fake.thread(fake.channel(guild=fake.guild(has_bot=has_bot)))

        assert ANSWERED in await said_in(fake, thread)


async def test_direct_messages_are_answered_since_discord_asks_for_the_age() -> None:
    async with FakeDiscord.opened() as fake, hosted(fake, rules=Rules(age_restricted=True)):
        assert ANSWERED in await said_in(fake, fake.conversation())
