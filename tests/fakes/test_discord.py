"""The fake Discord does to the real discord.py and the real bot what Discord does."""

from __future__ import annotations

import signal

from tests.fakes.discord import FakeDiscord, Flag, texts
from tests.fakes.discord.hosted import hosted


async def test_a_command_is_acknowledged_and_answered_by_a_card() -> None:
    async with FakeDiscord.opened() as discord, hosted(discord):
        ada, channel = discord.person("ada"), discord.channel()
        asked = await discord.slash(ada, channel, "complete", prompt="London was", max_tokens=3).settled()

    assert asked.latency < 3
    assert asked.answer is not None
    assert asked.answer.flags == Flag.COMPONENTS_V2
    assert "London was" in "\n".join(texts(asked.answer.components))
    assert discord.violations == []


async def test_the_real_bot_in_its_own_process() -> None:
    async with FakeDiscord.opened() as discord, discord.bot() as bot:
        await discord.joined()
        ada, channel = discord.person("ada"), discord.channel()
        asked = await discord.slash(ada, channel, "tokens", text="London was").settled()
        assert asked.answer is not None
        bot.signal(signal.SIGTERM)
        assert await bot.wait() == 0
    assert discord.violations == []
