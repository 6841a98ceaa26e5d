"""Joining Discord: told once of the commands, left in order, and refused in one sentence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bot.admission import Asker
from bot.errors import DiscordUnreachable, InvalidSetting, ModelUnusable, ShuttingDown
from bot.generation import GenerationQueue
from bot.joining import join
from bot.model.protocol import GenerationRequest, SamplingParams
from bot.rules import Rules
from bot.runs import Runs
from bot.services import Services
from bot.startup import Started
from bot.store.database import IN_MEMORY, opened
from bot.tokenization import Encodings
from tests.fakes.discord import Addresses, FakeDiscord, leading_to
from tests.fakes.model import FakeModel

SECRET = "a.very.secret"  # noqa: S105


class LoadingModel(FakeModel):
    """A model whose worker is said to be unusable once ``unusable`` is set."""

    def __init__(self) -> None:
        super().__init__(stepwise=True)
        self.unusable = asyncio.Event()

    async def wait_ready(self) -> None:
        await self.unusable.wait()
        raise ModelUnusable("nowhere", problem="there is no such model.")


@asynccontextmanager
async def on_loopback(*, accepts: bool = True) -> AsyncIterator[FakeDiscord]:
    async with FakeDiscord.opened(accepts=accepts) as fake:
        with fake.addresses():
            yield fake


@asynccontextmanager
async def parts_with(model: Any, rules: Rules | None = None) -> AsyncIterator[Started]:
    async with (
        opened(IN_MEMORY) as database,
        GenerationQueue(model, max_waiting=1, max_running=1, per_owner=1, deadline=60) as queue,
    ):
        runs = Runs(database, days=30)
        yield Started(model, queue, Services(queue, Encodings(), runs, rules=rules or Rules()))


async def test_it_joins_tells_its_commands_and_leaves_when_cancelled() -> None:
    async with on_loopback() as fake, parts_with(LoadingModel()) as parts:
        joining = asyncio.create_task(join(SECRET, parts))
        await fake.joined()
        joining.cancel()
        await asyncio.wait([joining])
        await fake.left()

    assert joining.cancelled()
    assert {command["name"] for command in fake.commands} >= {"complete", "next", "tokens", "decode"}


@pytest.mark.parametrize("restricted", [True, False])
async def test_all_commands_are_told_to_be_for_adults_if_they_are(
    restricted: bool,
) -> None:
    rules = Rules(age_restricted=restricted)
    async with on_loopback() as fake, parts_with(LoadingModel(), rules) as parts:
        joining = asyncio.create_task(join(SECRET, parts))
        await fake.joined()
        joining.cancel()
        await asyncio.wait([joining])

    assert {command["nsfw"] for command in fake.commands} == {restricted}


async def test_what_runs_is_ended_while_people_can_still_be_told() -> None:
    request = GenerationRequest("a", (1,), SamplingParams())
    async with on_loopback() as fake, parts_with(LoadingModel()) as parts:
        joining = asyncio.create_task(join(SECRET, parts))
        await fake.joined()
        async with parts.queue.stream(request, asker=Asker(1, None)) as updates:
            await anext(updates)
            joining.cancel()
            with pytest.raises(ShuttingDown):
                await anext(updates)
            assert fake.gateway.is_connected
        await asyncio.wait([joining])


async def test_an_unusable_model_ends_it() -> None:
    model = LoadingModel()
    async with on_loopback() as fake, parts_with(model) as parts:
        joining = asyncio.create_task(join(SECRET, parts))
        await fake.joined()
        model.unusable.set()

        with pytest.raises(ModelUnusable):
            await joining


async def test_a_refused_token_names_the_setting_and_not_the_token() -> None:
    async with on_loopback(accepts=False), parts_with(LoadingModel()) as parts:
        with pytest.raises(InvalidSetting, match="DISCORD_TOKEN was refused by Discord") as caught:
            await join(SECRET, parts)

    assert SECRET not in str(caught.value)


async def test_without_a_network_it_says_so() -> None:
    nowhere = Addresses("http://127.0.0.1:1/api", "ws://127.0.0.1:1/gateway/")
    with leading_to(nowhere):
        async with parts_with(LoadingModel()) as parts:
            with pytest.raises(DiscordUnreachable, match="Discord cannot be reached"):
                await join(SECRET, parts)
