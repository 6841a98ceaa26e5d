"""/guess over HTTP and the gateway: which requests its votes and its leaderboard make."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

from bot.model.protocol import Candidate, GenerationRequest, Step
from bot.text.tokenization import Encodings
from tests.fakes.discord import FakeDiscord, Flag, Message, texts
from tests.fakes.discord.components import Kind, pressable, walk
from tests.fakes.discord.hosted import hosted
from tests.fakes.model import FakeModel
from tests.support.waiting import until

WORDS = (" tea", " wine", " bread", " milk", " water")


def says(_request: GenerationRequest, _index: int) -> Step:
    encodings = Encodings()
    candidates = tuple(
        Candidate(encodings.encode(word)[0], 0.0, math.log(0.5 / rank), rank)
        for rank, word in enumerate(WORDS, start=1)
    )
    return Step(candidates[0], candidates, 2.0)


@asynccontextmanager
async def begun() -> AsyncIterator[tuple[FakeDiscord, Message]]:
    """A round that Ada began, whose top guess is tea."""
    async with FakeDiscord.opened() as discord, hosted(discord, FakeModel(says=says)):
        ada, channel = discord.person("Ada"), discord.channel()
        card = (await discord.slash(ada, channel, "guess", text="A cup of").settled()).reply
        assert card is not None
        yield discord, card
    assert discord.violations == []


async def shown(text: str, found: Callable[[], Iterable[Message]]) -> Message:
    """The first message that reads ``text``, once there is one: a vote is acknowledged before it is cast."""
    read: list[Message] = []

    async def is_there() -> bool:
        read[:] = [one for one in found() if text in "\n".join(texts(one.components)) and not one.deleted]
        return bool(read)

    await until(is_there)
    return read[0]


async def test_three_votes_make_one_private_message() -> None:
    async with begun() as (discord, card):
        ada = discord.person("Ada")
        one, two, three = [item["label"] for item in pressable(card.components)][:3]
        pressed = [discord.press(ada, card, label=one)]
        private = await shown(f"You voted for `{one}`.", lambda: pressed[0].followups)
        for before, now in ((one, two), (two, three)):
            pressed.append(discord.press(ada, card, label=now))
            changed = f"You changed your vote from `{before}` to `{now}`."
            assert await shown(changed, lambda: [private]) is private

    assert private.flags & Flag.EPHEMERAL
    assert [len(press.followups) for press in pressed] == [1, 0, 0]


async def test_a_vote_for_the_same_again_replaces_the_private_message() -> None:
    async with begun() as (discord, card):
        ada = discord.person("Ada")
        first = discord.press(ada, card, label="␣tea")
        old = await shown("You voted for `␣tea`.", lambda: first.followups)
        await shown("**1 vote** so far.", lambda: [card])
        await asyncio.sleep(0.1)  # a second press during the first would be a double click
        again = discord.press(ada, card, label="␣tea")
        await shown("That's already your vote: `␣tea`.", lambda: again.followups)

        async def is_gone() -> bool:
            return old.deleted

        await until(is_gone)


async def test_the_leaderboard_asks_for_the_names_of_its_players() -> None:
    async with begun() as (discord, card):
        ada = discord.person("Ada")
        for votes, name in enumerate(("Ada", "Grace Hopper", "Alan"), start=1):
            discord.press(discord.person(name), card, label="␣tea")
            await shown(f"**{votes} vote", lambda: [card])
        discord.press(ada, card, label="Reveal")
        await shown("3 of 3 votes got it right.", lambda: [card])
        board = discord.press(ada, card, label="Leaderboard")
        await shown("Leaderboard", lambda: board.all_messages)
        components = board.all_messages[0].components
        (gallery,) = [item for item in walk(components) if item["type"] == Kind.MEDIA_GALLERY]

    assert gallery["items"][0]["description"] == (
        "Correct guesses: 1. Ada 1 of 1, you; 1. Grace Hopper 1 of 1; 1. Alan 1 of 1"
    )
