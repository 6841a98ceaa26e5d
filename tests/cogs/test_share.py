"""Share and Delete as people use them, and what /forget takes with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import discord
import pytest
from simcord import ChannelHandle, InteractionResult, MemberActor, ResponseMessage

from bot.playground.world import World
from tests.support.forgetting import forget_me
from tests.support.reading import buttons, card_of, refusal_of, text_of, written_in

pytestmark = pytest.mark.asyncio(loop_scope="session")

COMPLETE = {"prompt": "London was", "seed": 42, "max_tokens": 8}


def labels(answer: InteractionResult) -> list[str]:
    return [button["label"] for button in buttons(card_of(answer).components)]


def labels_of(card: ResponseMessage) -> list[str]:
    return [button["label"] for button in buttons(card.components)]


async def shared_by(ada: MemberActor, channel: ChannelHandle, **options: Any) -> InteractionResult:
    private = await ada.slash(channel, "complete", **COMPLETE, private=True, **options)
    return await ada.click(card_of(private), label="Share")


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("complete", COMPLETE),
        ("next", {"prompt": "London was"}),
        ("tokens", {"text": "x"}),
        ("decode", {"ids": "1"}),
    ],
)
async def test_a_private_card_can_be_shared_and_a_public_one_deleted(
    ada: MemberActor, channel: ChannelHandle, command: str, options: dict[str, Any]
) -> None:
    assert labels(await ada.slash(channel, command, **options, private=True))[-1] == "Share"
    assert labels(await ada.slash(channel, command, **options))[-1] == "Delete"


async def test_a_shared_card_is_public_and_names_the_person_who_shared_it(
    ada: MemberActor, channel: ChannelHandle
) -> None:
    private = await ada.slash(channel, "complete", **COMPLETE, private=True)
    public = await ada.click(card_of(private), label="Share")

    assert not card_of(public).ephemeral
    assert written_in(public) == written_in(private)
    assert text_of(public).endswith(f"Shared by <@{ada.id}>")
    assert labels(public) == [label.replace("Share", "Delete") for label in labels(private)]


async def test_pictures_and_files_are_shared_with_their_card(
    ada: MemberActor, channel: ChannelHandle
) -> None:
    private = await ada.slash(channel, "tokens", text="one two three " * 100, private=True)
    public = await ada.click(card_of(private), label="Share")
    before, after = card_of(private), card_of(public)

    assert [file.filename for file in after.attachments] == ["tokens.png", "tokens.txt"]
    assert [await file.read() for file in after.message.attachments] == [
        await file.read() for file in before.message.attachments
    ]
    assert "(picture: The text split into" in text_of(public)


@pytest.mark.slow
async def test_the_buttons_of_a_shared_card_work_and_stay_public(
    ada: MemberActor, grace: MemberActor, channel: ChannelHandle
) -> None:
    public = await shared_by(ada, channel)
    theirs = await grace.click(card_of(public), label="Continue")
    rolled = await ada.click(card_of(public), label="Re-roll")
    own = await ada.click(card_of(public), label="Continue")

    assert card_of(own).id == card_of(public).id
    for answer in (theirs, rolled, own):
        assert not card_of(answer).ephemeral
        assert labels(answer)[-1] == "Delete"


async def test_a_shared_walk_is_continued_in_public_by_its_author(
    ada: MemberActor, grace: MemberActor, channel: ChannelHandle
) -> None:
    private = await ada.slash(channel, "next", prompt="London was", seed=7, private=True)
    public = await ada.click(card_of(private), label="Share")
    theirs = await grace.click(card_of(public), label=labels(public)[0])
    own = await ada.click(card_of(public), label=labels(public)[0])

    assert card_of(theirs).ephemeral
    assert labels(theirs)[-1] == "Share"
    assert card_of(own).id == card_of(public).id
    assert labels(own)[-1] == "Delete"


async def test_a_card_can_be_shared_and_deleted_after_a_restart(
    ada: MemberActor, channel: ChannelHandle, restart: Callable[[], Awaitable[None]]
) -> None:
    private = await ada.slash(channel, "complete", **COMPLETE, private=True)
    await restart()
    public = await ada.click(card_of(private), label="Share")
    card = card_of(public)
    await restart()
    await ada.click(card, label="Delete")

    assert not is_there(channel, card.id)


def is_there(channel: ChannelHandle, message_id: int) -> bool:
    return message_id in {message.id for message in channel.history()}


async def test_the_author_deletes_a_card(ada: MemberActor, channel: ChannelHandle) -> None:
    card = card_of(await ada.slash(channel, "complete", **COMPLETE))
    assert is_there(channel, card.id)
    await ada.click(card, label="Delete")

    assert not is_there(channel, card.id)


async def test_another_person_cannot_delete_it(
    ada: MemberActor, grace: MemberActor, channel: ChannelHandle
) -> None:
    card = card_of(await ada.slash(channel, "complete", **COMPLETE))

    assert refusal_of(await grace.click(card, label="Delete")) == (
        "Only the person who asked or a moderator can delete this."
    )
    assert is_there(channel, card.id)


async def test_a_moderator_can_delete_it(world: World, ada: MemberActor, channel: ChannelHandle) -> None:
    card = card_of(await ada.slash(channel, "complete", **COMPLETE))
    role = world.guild.create_role("Moderators", permissions=discord.Permissions(manage_messages=True))
    moderator = world.guild.add_member(world.env.create_user("barbara"), roles=[role])
    await moderator.click(card, label="Delete")

    assert not is_there(channel, card.id)


@pytest.mark.slow
async def test_forgetting_a_text_takes_what_others_made_from_it(
    ada: MemberActor, grace: MemberActor, channel: ChannelHandle
) -> None:
    text = card_of(await ada.slash(channel, "complete", **COMPLETE))
    walk = card_of(await ada.slash(channel, "next", prompt="London was", seed=7))
    tour = card_of(await ada.slash(channel, "tour", prompt="London was", seed=7))
    made = [card_of(await grace.click(text, label=label)) for label in ("Continue", "Re-roll")]
    made.append(card_of(await grace.click(walk, label=labels_of(walk)[0])))
    made.append(card_of(await grace.click(tour, label="Next")))
    own = card_of(await grace.slash(channel, "complete", **COMPLETE | {"seed": 43}))
    await forget_me(ada, channel)

    for card, label in zip(made, ("Continue", "Re-roll", labels_of(made[2])[0], "Next"), strict=True):
        assert "or because its author asked" in refusal_of(await grace.click(card, label=label))
    assert "[Continue]" in text_of(await grace.click(own, label="Continue"))


@pytest.mark.slow
async def test_forgetting_a_tour_s_text_takes_what_others_typed_after_it(
    ada: MemberActor, grace: MemberActor, channel: ChannelHandle
) -> None:
    tour = card_of(await ada.slash(channel, "tour", prompt="My secret is", seed=7))
    kept = {}
    for text in ("My secret is out", "Something else"):
        form = await grace.click(tour, label="Try it yourself")
        kept[text] = card_of(await grace.submit_modal(form, {"text": text}))
    await forget_me(ada, channel)

    assert "or because its author asked" in refusal_of(
        await grace.click(kept["My secret is out"], label="Next")
    )
    assert "2 of 7" in text_of(await grace.click(kept["Something else"], label="Next"))
