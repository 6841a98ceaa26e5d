"""AGE_RESTRICTED: outside adult channels, everything is refused in one private sentence."""

from __future__ import annotations

from dataclasses import replace

import discord
import pytest
from simcord import ChannelHandle, MemberActor

from bot.errors import AgeRestricted
from bot.moderation.rules import Rules
from bot.playground.world import World
from tests.support.reading import card_of, refusal_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

REFUSED = AgeRestricted().sentence


def restrict(world: World) -> None:
    world.bot.services = replace(world.bot.services, rules=Rules(age_restricted=True))


@pytest.fixture
def restricted(world: World) -> World:
    restrict(world)
    return world


@pytest.fixture
def adult_channel(channel: ChannelHandle, monkeypatch: pytest.MonkeyPatch) -> ChannelHandle:
    """SimCord has no age-restricted channels."""
    monkeypatch.setattr(discord.TextChannel, "is_nsfw", lambda _channel: True)
    return channel


@pytest.mark.usefixtures("restricted")
async def test_a_command_in_a_channel_for_all_ages_is_refused(
    ada: MemberActor, channel: ChannelHandle
) -> None:
    message = await ada.send(channel, "London was")

    assert refusal_of(await ada.slash(channel, "tokens", text="x")) == REFUSED
    assert refusal_of(await ada.context_menu(channel, "Tokenize", message)) == REFUSED


async def test_buttons_menus_and_modals_of_older_cards_are_refused_too(
    world: World, ada: MemberActor, channel: ChannelHandle
) -> None:
    tour = card_of(await ada.slash(channel, "tour", seed=1))
    token = card_of(await ada.slash(channel, "vocabulary", query="␣London"))
    form = await ada.click(tour, label="Try it yourself")
    restrict(world)

    assert refusal_of(await ada.click(tour, label="Next")) == REFUSED
    assert refusal_of(await ada.select(token, ["3577"])) == REFUSED
    assert refusal_of(await ada.submit_modal(form, {"text": "Paris will"})) == REFUSED


@pytest.mark.usefixtures("restricted")
async def test_no_suggestions_are_made_there(ada: MemberActor, channel: ChannelHandle) -> None:
    assert await ada.autocomplete(channel, "vocabulary", "query", "Lon") == []


@pytest.mark.usefixtures("restricted")
async def test_a_command_in_an_adult_channel_is_answered(
    ada: MemberActor, adult_channel: ChannelHandle
) -> None:
    assert card_of(await ada.slash(adult_channel, "tokens", text="x"))


@pytest.mark.usefixtures("restricted")
async def test_a_direct_message_is_answered(ada: MemberActor) -> None:
    assert card_of(await ada.user.slash("tokens", text="x"))
