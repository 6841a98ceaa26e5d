"""The script in docs/reproducibility.md prints what the bot writes."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import pytest
from simcord import ChannelHandle, MemberActor

from bot.model.model_info import GPT2_LARGE
from bot.settings import DEMO_MODEL
from tests.docs.documents import document
from tests.support.reading import written_in


def output_of(script: str) -> str:
    command = [sys.executable, "-W", "ignore", "-c", script]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="session")
async def test_the_script_prints_what_the_bot_writes(ada: MemberActor, channel: ChannelHandle) -> None:
    script = document("docs/reproducibility.md").block("python")
    model = os.environ.get("MODEL") or DEMO_MODEL
    printed = await asyncio.to_thread(output_of, script.replace(GPT2_LARGE, model))
    answer = await ada.slash(channel, "complete", prompt="London was", seed=42)

    assert printed.strip() == written_in(answer).strip()
