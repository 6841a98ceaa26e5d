"""/model as people use it."""

from __future__ import annotations

import re

import pytest
from simcord import ChannelHandle, MemberActor

from bot.services import Services
from tests.cogs.conftest import OpenWorld
from tests.fakes.model import FakeModel
from tests.support.reading import card_of, text_of

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_loaded_model_is_described(
    ada: MemberActor, channel: ChannelHandle, services: Services
) -> None:
    info = services.generations.model
    answer = card_of(await ada.slash(channel, "model"))
    numbers = await ada.click(answer, label="Numbers")

    assert [file.filename for file in answer.attachments] == ["model.png"]
    assert f"layers: this {info.layers}, GPT-3 96; heads: " in text_of(answer)
    assert card_of(numbers).ephemeral
    assert f"{info.memory / 2**30:.2f} GiB" in text_of(numbers)
    assert f"Fingerprint {info.fingerprint}" in text_of(numbers)


async def test_the_card_is_public_or_private(ada: MemberActor, channel: ChannelHandle) -> None:
    public = card_of(await ada.slash(channel, "model"))
    private = card_of(await ada.slash(channel, "model", private=True))

    assert (public.ephemeral, private.ephemeral) == (False, True)


async def test_a_private_card_can_be_shared(ada: MemberActor, channel: ChannelHandle) -> None:
    private = await ada.slash(channel, "model", private=True)
    public = await ada.click(card_of(private), label="Share")

    assert not card_of(public).ephemeral
    assert "It doesn't learn" in text_of(public)


async def test_the_speed_is_shown_once_a_text_was_written(open_world: OpenWorld) -> None:
    async with open_world(FakeModel()) as world:
        ada = world.members[0]
        assert "tokens a second" not in text_of(await ada.slash(world.channel, "model"))
        await ada.slash(world.channel, "complete", prompt="London was", max_tokens=5)
        await world.env.settle()
        answer = await ada.slash(world.channel, "model")
        numbers = text_of(await ada.click(card_of(answer), label="Numbers"))
        assert re.search(r" · [\d.,]+ tokens a second · Tokenwise", text_of(answer))
        assert re.search(r"Speed [\d.,]+ tokens a second per text, measured on 5 tokens in the last", numbers)


async def test_running_and_waiting_requests_are_counted(open_world: OpenWorld) -> None:
    async with open_world(FakeModel(stepwise=True), max_running=1) as world:
        ada, grace, alan = world.members
        for person in (ada, grace):
            await person.slash(world.channel, "complete", prompt="London was", max_tokens=5)

        card = card_of(await alan.slash(world.channel, "model"))
        assert "1 request running, 1 waiting" in text_of(await alan.click(card, label="Numbers"))
