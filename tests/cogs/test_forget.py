"""/forget asks first, says what it deleted, and leaves others what is theirs."""

from __future__ import annotations

import pytest
from simcord import ChannelHandle, MemberActor

from bot.custom_ids import forget_id
from bot.playground.answer import seen
from bot.playground.real_time import outside
from bot.playground.world import World
from bot.store.runs import Runs
from tests.cogs.conftest import OpenWorld
from tests.fakes.model import FakeModel
from tests.support.forgetting import forget_me
from tests.support.guessing import TEXT, labels, moderator_of, run_id_of, top_guess
from tests.support.inspecting import posted
from tests.support.reading import card_of, refusal_of, text_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

WALK = {"prompt": "London was", "seed": 7}


async def kept(runs: Runs, run_id: str) -> bool:
    return await outside(lambda: runs.is_kept(run_id))


async def test_it_asks_before_it_deletes_anything(ada: MemberActor, channel: ChannelHandle) -> None:
    mine = card_of(await ada.slash(channel, "next", **WALK))
    asked = await ada.slash(channel, "forget")

    assert card_of(asked).ephemeral
    assert text_of(asked).startswith("Delete 1 text?")
    assert labels(asked) == ["Cancel", "Delete"]
    assert card_of(await ada.click(mine, label="Numbers"))


async def test_cancel_deletes_nothing(ada: MemberActor, channel: ChannelHandle) -> None:
    mine = card_of(await ada.slash(channel, "next", **WALK))
    asked = card_of(await ada.slash(channel, "forget"))
    await ada.click(asked, label="Cancel")

    assert text_of(asked).startswith("Nothing was deleted.")
    assert labels(asked) == []
    assert card_of(await ada.click(mine, label="Numbers"))


async def test_delete_says_what_it_deleted_in_the_place_of_the_question(
    ada: MemberActor, grace: MemberActor, channel: ChannelHandle
) -> None:
    mine = card_of(await ada.slash(channel, "next", **WALK))
    round_ = card_of(await ada.slash(channel, "guess", text=TEXT))
    for person in (ada, grace):
        await person.click(round_, label=labels(round_)[0])
    asked = card_of(await ada.slash(channel, "forget"))
    assert text_of(asked).startswith("Delete 2 texts, 1 vote?")
    await ada.click(asked, label="Delete")

    assert text_of(asked).startswith("Deleted: 2 texts, 1 vote\n")
    kept = "Others keep their votes and scores in /guess; the round you started stays, without your name"
    assert kept in text_of(asked)
    assert "or because its author asked" in refusal_of(await ada.click(mine, label="Numbers"))
    assert text_of(await ada.slash(channel, "forget")).startswith("I have nothing stored about you.")


async def test_a_round_goes_on_without_its_beginner(
    world: World, ada: MemberActor, grace: MemberActor, channel: ChannelHandle
) -> None:
    card = card_of(await ada.slash(channel, "guess", text=TEXT))
    await ada.click(card, label=labels(card)[0])
    await forget_me(ada, channel)
    await grace.click(card, label=labels(card)[0])

    assert "1 vote so far." in text_of(card)
    assert TEXT not in text_of(card)
    assert "a moderator can reveal" in text_of(card)
    assert str(ada.id) not in text_of(card)
    assert "Anyone can in 10 minutes." in refusal_of(await ada.click(card, label="Reveal"))
    await moderator_of(world).click(card, label="Reveal")
    assert top_guess(card)
    assert f"<@{grace.id}>" in text_of(card)
    assert f"<@{ada.id}>" not in text_of(card)


async def test_a_text_of_ours_stays_on_the_round(
    ada: MemberActor, grace: MemberActor, channel: ChannelHandle
) -> None:
    card = card_of(await ada.slash(channel, "guess"))
    before = text_of(card).splitlines()[1]
    asked = await ada.slash(channel, "forget")
    assert text_of(asked).startswith("Delete your name from 1 round?")
    await ada.click(card_of(asked), label="Delete")
    await grace.click(card, label=labels(card)[0])

    assert text_of(card).splitlines()[1] == before


@pytest.mark.slow
async def test_nobody_loses_a_score(ada: MemberActor, grace: MemberActor, channel: ChannelHandle) -> None:
    card = card_of(await ada.slash(channel, "guess", text=TEXT))
    await grace.click(card, label=labels(card)[0])
    await ada.click(card, label="Reveal")
    before = text_of(await grace.click(card, label="Leaderboard"))
    await forget_me(ada, channel)

    assert text_of(await grace.click(card, label="Leaderboard")) == before
    assert "No finished rounds yet." not in before


async def test_it_asks_again_if_there_is_more(ada: MemberActor, channel: ChannelHandle, runs: Runs) -> None:
    await ada.slash(channel, "next", **WALK)
    asked = card_of(await ada.slash(channel, "forget"))
    later = card_of(await ada.slash(channel, "guess", text=TEXT))
    await ada.click(asked, label="Delete")

    assert text_of(asked).startswith("Delete 2 texts?")
    assert "There is more now than when I asked" in text_of(asked)
    assert await kept(runs, run_id_of(later))
    await ada.click(asked, label="Delete")
    assert text_of(asked).startswith("Deleted: 2 texts")


async def test_a_question_that_was_answered_elsewhere_deletes_nothing_more(
    ada: MemberActor, channel: ChannelHandle
) -> None:
    await ada.slash(channel, "next", **WALK)
    first, second = [card_of(await ada.slash(channel, "forget")) for _ in range(2)]
    await ada.click(first, label="Delete")
    await ada.click(second, label="Delete")

    assert text_of(first).startswith("Deleted: 1 text")
    assert text_of(second).startswith("I have nothing stored about you.")


@pytest.mark.parametrize("action", ["delete", "cancel"])
async def test_another_person_s_press_does_nothing(
    world: World, ada: MemberActor, grace: MemberActor, channel: ChannelHandle, action: str, runs: Runs
) -> None:
    mine = card_of(await ada.slash(channel, "guess", text=TEXT))
    theirs = card_of(await grace.slash(channel, "guess", text="Paris will"))
    custom_id = forget_id(action, ada.id, *([9, 9, 9] if action == "delete" else []))
    card = await posted(world, custom_id)
    answer = await grace.click(card, custom_id=custom_id)

    assert refusal_of(answer) == "Only the person who asked can confirm this."
    assert await kept(runs, run_id_of(mine))
    assert await kept(runs, run_id_of(theirs))


async def test_the_model_forgets_too(open_world: OpenWorld) -> None:
    model = FakeModel()
    async with open_world(model) as world:
        answer = await world.members[0].slash(world.channel, "forget")

        assert text_of(answer).startswith("I have nothing stored about you.")
        assert [message.ephemeral for message in seen(answer)] == [True]
    assert model.forgot == 1


async def test_the_model_keeps_what_it_has_until_the_person_confirms(open_world: OpenWorld) -> None:
    model = FakeModel()
    async with open_world(model) as world:
        ada = world.members[0]
        await ada.slash(world.channel, "next", **WALK)
        await world.env.settle()
        asked = card_of(await ada.slash(world.channel, "forget"))
        assert model.forgot == 0
        await ada.click(asked, label="Delete")
        await world.env.settle()

    assert model.forgot == 1
