"""A run's id opens nothing for a person who was not shown it: forged presses are refused."""

from __future__ import annotations

from typing import Any

import pytest
from simcord import ChannelHandle, InteractionResult, MemberActor, actors

from bot.custom_ids import OPEN
from bot.playground.answer import seen
from bot.playground.world import World
from tests.support.comparing import older_card, opening
from tests.support.reading import buttons, card_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

TEXT = {"prompt": "London was", "seed": 42, "max_tokens": 8}
BUTTON, MENU = 2, 3


async def lied(person: MemberActor, card: Any, data: dict[str, Any]) -> InteractionResult:
    """The reply to a forged press of ``custom_id`` on the card."""
    answer: InteractionResult = await actors._component_interaction(
        person, actors._visible_message(person, card), data
    )
    return answer


@pytest.mark.parametrize("label", ["Continue", "Re-roll", "Why this word?", "Code", "Replay"])
async def test_a_button_of_another_card_opens_nothing(
    ada: MemberActor, grace: MemberActor, channel: ChannelHandle, label: str
) -> None:
    secret = card_of(await ada.slash(channel, "complete", **TEXT, private=True))
    own = card_of(await grace.slash(channel, "complete", prompt="Paris", seed=1, max_tokens=4))
    (custom_id,) = (one["custom_id"] for one in buttons(secret.components) if one.get("label") == label)

    assert not seen(await lied(grace, own, {"custom_id": custom_id, "component_type": BUTTON}))


@pytest.mark.slow
async def test_a_menu_opens_only_what_it_offers(
    world: World, ada: MemberActor, grace: MemberActor, channel: ChannelHandle
) -> None:
    secret = opening(card_of(await ada.slash(channel, "compare", **TEXT, private=True)))
    own = opening(card_of(await grace.slash(channel, "compare", prompt="Paris", seed=1, max_tokens=4)))
    hers, mine = (one["greedy"].rpartition(":")[2] for one in (secret, own))
    card = await older_card(world, mine)
    data = {"custom_id": OPEN, "component_type": MENU}

    nothing = await lied(grace, card, {**data, "values": [hers]})
    opened = await lied(grace, card, {**data, "values": [mine]})

    assert [message.id for message in seen(nothing)] == [card.id]  # it is as it was
    assert card_of(opened).id != card.id
