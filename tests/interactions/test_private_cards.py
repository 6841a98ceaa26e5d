"""Several presses of one person make one private message, as long as Discord lets it be edited."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import discord
import pytest
from discord import ui

from bot.errors import Withheld
from bot.interactions.private_cards import LIFETIME, PrivateCards
from bot.moderation.blocklist import BlockedWords

ADA, GRACE = ("a" * 16, 1), ("a" * 16, 2)
UNKNOWN_MESSAGE, INVALID_TOKEN, OTHER = 10008, 50027, 50035


class Message:
    """A message that an interaction sent; an edit fails with the ``code``."""

    def __init__(self, text: str) -> None:
        self.texts = [text]
        self.is_deleted = False
        self.code: int | None = None

    async def edit(self, *, view: ui.LayoutView, **_options: object) -> None:
        if self.code is not None:
            response: Any = SimpleNamespace(status=404, reason="")
            raise discord.NotFound(response, {"code": self.code, "message": ""})
        self.texts.append(said(view))

    async def delete(self) -> None:
        if self.code is not None:
            response: Any = SimpleNamespace(status=404, reason="")
            raise discord.NotFound(response, {"code": self.code, "message": ""})
        self.is_deleted = True


class Place:
    """Where a person presses, at the time ``now``; ``sent`` are the messages that only they see."""

    def __init__(self, blocked: BlockedWords | None = None) -> None:
        self.now = 0.0
        self.sent: list[Message] = []
        self.cards = PrivateCards(clock=lambda: self.now)
        rules = SimpleNamespace(blocked=blocked or BlockedWords())
        self._client = SimpleNamespace(services=SimpleNamespace(rules=rules))

    async def show(self, text: str, key: tuple[str, int] = ADA, **options: Any) -> None:
        async def send(*, view: ui.LayoutView, ephemeral: bool, **_options: object) -> Message:
            assert ephemeral
            self.sent.append(Message(said(view)))
            return self.sent[-1]

        interaction: Any = SimpleNamespace(client=self._client, followup=SimpleNamespace(send=send))
        view = ui.LayoutView(timeout=None)
        view.add_item(ui.TextDisplay(text))
        await self.cards.show(interaction, key, view, **options)


def said(view: ui.LayoutView) -> str:
    (text,) = (item.content for item in view.children if isinstance(item, ui.TextDisplay))
    return text


async def test_later_presses_edit_the_first_one_s_message() -> None:
    place = Place()
    for text in ("one", "two", "three"):
        await place.show(text)

    assert [message.texts for message in place.sent] == [["one", "two", "three"]]


async def test_each_person_and_each_run_has_a_message() -> None:
    place = Place()
    for key in (ADA, GRACE, ("b" * 16, 1)):
        await place.show("one", key)

    assert len(place.sent) == len(place.cards) == 3


async def test_once_its_token_is_too_old_there_is_a_new_message() -> None:
    place = Place()
    await place.show("one")
    place.now = LIFETIME - 1
    await place.show("two")
    place.now = LIFETIME
    await place.show("three")

    assert [message.texts for message in place.sent] == [["one", "two"], ["three"]]
    assert len(place.cards) == 1


@pytest.mark.parametrize("code", [UNKNOWN_MESSAGE, INVALID_TOKEN])
async def test_a_message_that_is_gone_is_replaced(code: int) -> None:
    place = Place()
    await place.show("one")
    place.sent[0].code = code
    await place.show("two")
    await place.show("three")

    assert [message.texts for message in place.sent] == [["one"], ["two", "three"]]


async def test_any_other_failure_is_reported() -> None:
    place = Place()
    await place.show("one")
    place.sent[0].code = OTHER
    with pytest.raises(discord.NotFound):
        await place.show("two")

    assert len(place.sent) == 1


@pytest.mark.parametrize("code", [None, UNKNOWN_MESSAGE])
async def test_anew_the_message_takes_the_place_of_the_old_one(code: int | None) -> None:
    place = Place()
    await place.show("one")
    place.sent[0].code = code
    await place.show("two", anew=True)
    await place.show("three")

    assert [message.texts for message in place.sent] == [["one"], ["two", "three"]]
    assert place.sent[0].is_deleted is (code is None)


async def test_nothing_is_kept_of_a_dropped_run_or_for_longer_than_needed() -> None:
    place = Place()
    for key in (ADA, GRACE, ("b" * 16, 1)):
        await place.show("one", key)
    place.cards.drop("a" * 16)
    assert len(place.cards) == 1
    place.now = LIFETIME
    await place.show("one")

    assert len(place.cards) == 1


async def test_a_blocked_word_is_neither_sent_nor_put_into_an_old_message() -> None:
    place = Place(BlockedWords.read(["darn"]))
    for _ in range(2):
        with pytest.raises(Withheld):
            await place.show("oh darn")
        await place.show("fine")

    assert [message.texts for message in place.sent] == [["fine", "fine"]]
    await place.show("oh darn", parts={"darn"})
    assert place.sent[0].texts[-1] == "oh darn"
