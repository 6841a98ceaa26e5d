"""The real bot is killed and started again: it still knows what it had finished."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.fakes.discord import FakeDiscord, texts

READY = "the model is ready"


@pytest.mark.slow
async def test_an_old_card_s_buttons_work_after_a_kill(tmp_path: Path) -> None:
    settings = {"DATABASE_URL": f"sqlite:///{tmp_path}/runs.sqlite3"}
    async with FakeDiscord.opened() as discord:
        ada, channel = discord.person("ada"), discord.channel()
        async with discord.bot(settings) as bot:
            await discord.joined()
            await bot.said(READY)
            card = await discord.slash(ada, channel, "complete", prompt="London", max_tokens=4).settled()
            await discord.slash(ada, channel, "complete", prompt="Paris", max_tokens=256).acknowledged()
            bot.signal(signal.SIGKILL)
            assert await bot.wait() == -signal.SIGKILL
        await discord.left()
        discord.gateway.joined.clear()

        async with discord.bot(settings) as bot:
            await discord.joined()
            await bot.said(READY)
            pressed = await discord.press(ada, card.reply, label="Code").settled()
            (program,) = ["\n".join(texts(message.components)) for message in pressed.all_messages]

        assert "ids = torch.tensor([[23421]])  # 'London'" in program
        assert "max_new_tokens=4," in program
    assert discord.violations == []
