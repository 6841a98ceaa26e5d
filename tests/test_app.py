"""What runs is assembled as the settings say."""

from __future__ import annotations

from typing import cast

import pytest

from bot.app import AnyModel, assembled
from bot.moderation.blocklist import BlockedWords
from bot.queue.across import LimitedAcross
from bot.queue.generations import Generations
from bot.queue.queue import GenerationQueue
from bot.settings import Settings
from bot.text.tokenization import Encodings
from tests.fakes.discord.process import TOKEN
from tests.fakes.model import FakeModel


@pytest.mark.parametrize(
    ("shards", "kind"), [("", GenerationQueue), ("0-3/4", GenerationQueue), ("0-1/4", LimitedAcross)]
)
async def test_of_several_processes_each_counts_what_people_have_in_progress_in_the_others(
    shared: str, shards: str, kind: type[Generations]
) -> None:
    settings = Settings.from_env({"DISCORD_TOKEN": TOKEN, "SHARDS": shards, "DATABASE_URL": shared})
    model = cast("AnyModel", FakeModel())
    async with assembled(settings, model, Encodings(), BlockedWords()) as parts:
        assert type(parts.services.generations) is kind
