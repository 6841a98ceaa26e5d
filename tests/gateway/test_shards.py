"""Shards are written shortly, and the bot knows how each of its own stands."""

from __future__ import annotations

import asyncio

import pytest

from bot.errors import DiscordUnreachable, GatewayRefused
from bot.gateway.shards import Shards, listed
from tests.fakes.discord import FakeDiscord
from tests.fakes.discord.faults import Answered, Planned
from tests.fakes.discord.hosted import hosted
from tests.support.waiting import until


@pytest.mark.parametrize(
    ("ids", "text"),
    [([0], "0"), ([3, 1, 2], "1-3"), ([0, 2, 3, 7], "0, 2-3, 7"), ([], "")],
)
def test_neighbours_are_written_as_a_range(ids: list[int], text: str) -> None:
    assert listed(ids) == text


@pytest.mark.parametrize(
    ("shards", "ids", "is_part"),
    [
        (Shards(0, 3, 4), [0, 1, 2, 3], False),
        (Shards(2, 3, 4), [2, 3], True),
        (Shards(0, 0, 1), [0], False),
    ],
)
def test_some_of_the_shards_are_a_part(shards: Shards, ids: list[int], is_part: bool) -> None:
    assert shards.ids == ids
    assert shards.is_part is is_part


@pytest.fixture(autouse=True)
def short_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.gateway.identify.EVERY", 0.01)


async def test_the_bot_has_as_many_shards_as_discord_recommends() -> None:
    async with FakeDiscord.opened(shards=2) as fake, hosted(fake) as parts:
        assert fake.gateway.shards == [0, 1]
        await until(lambda: parts.bot.connected)
        assert list(parts.bot.shard_states()) == [0, 1]


async def test_a_shard_that_is_cut_off_is_known_and_comes_back() -> None:
    async with FakeDiscord.opened(shards=2) as fake, hosted(fake) as parts:
        await until(lambda: parts.bot.connected)
        fake.gateway.reset(1)
        await until(lambda: not parts.bot.shard_states()[1].connected)
        assert parts.bot.shard_states()[0].connected
        await until(lambda: parts.bot.connected)

    assert (fake.gateway.identified, fake.gateway.resumed) == (2, 1)


async def test_a_process_has_only_the_shards_it_was_given() -> None:
    async with FakeDiscord.opened(shards=4) as fake, hosted(fake, shards=Shards(2, 2, 4)) as parts:
        assert fake.gateway.shards == [2]
        await until(lambda: parts.bot.connected)
        there, elsewhere = fake.guild("there", shard=2), fake.guild("elsewhere", shard=3)
        await until(lambda: parts.bot.get_guild(there.id) is not None)
        assert parts.bot.get_guild(elsewhere.id) is None


@pytest.mark.parametrize("is_known", [True, False])
async def test_too_few_shards_need_the_operator_only_if_discord_recommended_them(is_known: bool) -> None:
    faults = Planned("GET", "/gateway/bot", [None if is_known else Answered(403)])
    async with FakeDiscord.opened(faults=faults) as fake:
        fake.gateway.refusal = 4011
        with pytest.raises(GatewayRefused if is_known else DiscordUnreachable) as caught:
            async with hosted(fake) as parts:
                await parts.joining

    assert ("leave SHARDS empty" in caught.value.sentence) is is_known


async def test_processes_identify_one_after_the_other(shared: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.gateway.identify.EVERY", 0.3)
    async with FakeDiscord.opened(shards=4, identify_every=0.2) as fake:

        async def process(shards: Shards) -> None:
            async with hosted(fake, url=shared, shards=shards):
                await fake.joined()

        await asyncio.gather(process(Shards(0, 1, 4)), process(Shards(2, 3, 4)))

    assert fake.gateway.identified == 4
    assert fake.gateway.too_soon == 0


async def test_an_identify_that_came_too_soon_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.gateway.identify.EVERY", 0.05)
    async with FakeDiscord.opened(shards=2) as fake:
        fake.gateway.hasty = 1
        async with hosted(fake) as parts:
            await until(lambda: parts.bot.connected)

    assert fake.gateway.too_soon == 1
    assert fake.gateway.identified == 2
