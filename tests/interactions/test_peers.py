"""While one process takes another's place, each interaction is answered once, by the better of both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from tests.fakes.discord import FakeDiscord, Interaction, texts
from tests.fakes.discord.hosted import Hosted, hosted
from tests.fakes.model import FakeModel
from tests.support.waiting import until


@pytest.fixture(autouse=True)
def no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a slow machine take its time: only the order counts."""
    monkeypatch.setattr("bot.interactions.lifecycle.MAX_AGE", timedelta(minutes=1))
    monkeypatch.setattr("bot.interactions.peers.PATIENCE", 30.0)
    monkeypatch.setattr("bot.interactions.peers.LATEST", 60.0)
    monkeypatch.setattr("bot.interactions.peers.LEAVING", 5.0)
    monkeypatch.setattr("bot.interactions.locks._PATIENCE", 30.0)


@asynccontextmanager
async def overlapping(url: str) -> AsyncIterator[tuple[FakeDiscord, Hosted, Hosted]]:
    """An old and a new process of one bot, both connected."""
    async with (
        FakeDiscord.opened(patience=60) as discord,
        hosted(discord, FakeModel(stepwise=True), url=url, grace=60) as old,
        hosted(discord, FakeModel(stepwise=True), url=url) as new,
    ):
        yield discord, old, new


def said(interaction: Interaction) -> str:
    return "\n".join(text for message in interaction.all_messages for text in texts(message.components))


def ask(discord: FakeDiscord, count: int) -> list[Interaction]:
    people = [discord.person(f"person {number}") for number in range(count)]
    return [discord.slash(person, discord.channel(), "help") for person in people]


async def test_what_reaches_two_processes_is_answered_once(shared: str) -> None:
    async with overlapping(shared) as (discord, old, new):
        asked = ask(discord, 8)
        for one in asked:
            await one.settled()
        await until(lambda: sum(each.bot.tracker.dropped["elsewhere"] for each in (old, new)) == 8)

    assert [one.deliveries for one in asked] == [2] * 8
    assert [one.refused for one in asked] == [0] * 8


async def test_a_leaving_process_finishes_its_text_and_leaves_the_rest_to_its_successor(shared: str) -> None:
    async with (
        FakeDiscord.opened(patience=60) as discord,
        hosted(discord, FakeModel(stepwise=True), url=shared, grace=60) as old,
    ):
        ada = discord.person("ada")
        writing = discord.slash(ada, discord.channel(), "complete", prompt="London was", max_tokens=3)
        await until(lambda: bool(old.model.running))
        async with hosted(discord, url=shared) as new:
            old.joining.cancel()
            await until(lambda: old.bot.tracker.is_leaving)
            asked = ask(discord, 8)
            for one in asked:
                await one.settled()
            await old.model.step(old.model.started[0], 4)
            await writing.settled()
            await asyncio.wait({old.joining})

    assert not any("restarting" in said(one) for one in (writing, *asked))
    assert [one.refused for one in (writing, *asked)] == [0] * 9
    assert new.bot.tracker.dropped["elsewhere"] == 0


async def test_stop_reaches_the_process_that_writes(shared: str) -> None:
    async with overlapping(shared) as (discord, old, new):
        ada = discord.person("ada")
        writing = discord.slash(ada, discord.channel(), "complete", prompt="London was", max_tokens=9)
        await until(lambda: bool(old.model.running or new.model.running))
        writer = old if old.model.running else new
        await writer.model.step(writer.model.started[0], 2)
        await writing.until(lambda: "Stop" in str(writing.reply.components if writing.reply else ""))
        stopping = discord.press(ada, writing.reply, label="Stop")
        await stopping.acknowledged()
        await writing.settled()

    assert "Already finished" not in said(stopping)
    assert stopping.refused == 0


async def test_both_presses_of_a_double_click_act_once_whichever_process_gets_them(shared: str) -> None:
    async with overlapping(shared) as (discord, old, new):
        ada = discord.person("ada")
        card = discord.slash(ada, discord.channel(), "complete", prompt="London was", max_tokens=1)
        await until(lambda: bool(old.model.running or new.model.running))
        writer = old if old.model.running else new
        await writer.model.step(writer.model.started[0], 2)
        await card.settled()
        presses = [discord.press(ada, card.reply, label="Continue") for _ in range(2)]
        for press in presses:
            await press.acknowledged()
        await until(lambda: len(old.model.started) + len(new.model.started) == 2)
        await asyncio.sleep(0.1)
        assert len(old.model.started) + len(new.model.started) == 2

    assert [press.refused for press in presses] == [0, 0]
