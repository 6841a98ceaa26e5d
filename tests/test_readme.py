"""What the README says is true."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from simcord import ChannelHandle, MemberActor

from bot.model.protocol import GPT2_LARGE
from bot.playground.plain import RULE
from bot.settings import DEMO_MODEL, Settings
from tests.support.reading import text_of

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def output_of(script: str) -> str:
    command = [sys.executable, "-W", "ignore", "-c", script]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.asyncio(loop_scope="session")
async def test_the_script_prints_what_the_bot_writes(ada: MemberActor, channel: ChannelHandle) -> None:
    (script,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    model = os.environ.get("MODEL") or DEMO_MODEL
    printed = await asyncio.to_thread(output_of, script.replace(GPT2_LARGE, model))
    answer = await ada.slash(channel, "complete", prompt="London was", seed=42)

    assert printed.strip() == text_of(answer).partition(RULE)[0].strip()


def test_every_setting_is_in_the_table() -> None:
    settings = {name.upper() for name in Settings.__dataclass_fields__}

    assert set(re.findall(r"^\| `([A-Z_]+)` \|", README, re.MULTILINE)) == settings


def test_every_file_it_points_to_exists() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)

    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
