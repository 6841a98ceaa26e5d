"""/guess as a channel plays it: a beginning, four tokens, a vote each."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable

import discord
import pytest
from simcord import ChannelHandle, MemberActor

from bot.features.beginnings import BEGINNINGS
from bot.features.guess import CHOICES
from bot.playground.answer import seen
from bot.playground.world import World
from bot.services import Services
from tests.cogs.conftest import OpenWorld
from tests.fakes.model import FakeModel
from tests.support.guessing import TEXT, beginning, labels, run_id_of, top_guess
from tests.support.reading import buttons, card_of, refusal_of, text_of
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_round_shows_the_beginning_and_four_candidates(
    ada: MemberActor, channel: ChannelHandle
) -> None:
    answer = await ada.slash(channel, "guess", text=TEXT)

    assert "\nLondon was ▁▁▁\n" in text_of(answer)
    assert "No votes yet." in text_of(answer)
    assert "demo-model · ␣ is a space · " in text_of(answer)
    assert len(set(labels(answer)[:4])) == CHOICES
    assert labels(answer)[4:] == ["Reveal", "Leaderboard", "Delete"]
    assert not card_of(answer).ephemeral


async def test_without_a_text_it_uses_one_of_ours_and_does_not_repeat_it_soon(
    ada: MemberActor, channel: ChannelHandle
) -> None:
    begun = [beginning(await ada.slash(channel, "guess")) for _ in range(8)]

    assert set(begun) <= set(BEGINNINGS)
    assert len(set(begun)) == 8


async def test_a_vote_is_counted_on_the_card_and_confirmed_only_to_the_voter(
    ada: MemberActor, grace: MemberActor, channel: ChannelHandle
) -> None:
    card = card_of(await ada.slash(channel, "guess", text=TEXT))
    one, other = labels(card)[:2]
    for person, name in ((ada, one), (grace, other)):
        *_, confirmation = seen(await person.click(card, label=name))
        assert text_of(confirmation).startswith(f"You voted for {name}.\n")
        assert confirmation.ephemeral

    assert "2 votes so far." in text_of(card)
    assert str(grace.id) not in text_of(card)


def private_to(person: MemberActor, channel: ChannelHandle) -> list[discord.Message]:
    """Every message in the channel that only this person sees."""
    return [message for message in channel.history(viewer=person) if message.flags.ephemeral]


async def test_further_votes_edit_one_private_message(
    ada: MemberActor, grace: MemberActor, channel: ChannelHandle
) -> None:
    card = card_of(await ada.slash(channel, "guess", text=TEXT))
    one, other, third = labels(card)[:3]
    *_, mine = seen(await ada.click(card, label=one))
    for before, now in ((one, other), (other, third)):
        answer = await ada.click(card, label=now)
        assert answer.followups == []
        assert text_of(mine).startswith(f"You changed your vote from {before} to {now}.\n")
    assert len(private_to(ada, channel)) == 1
    assert private_to(grace, channel) == []

    assert "1 vote so far." in text_of(card)
    await ada.click(card, label="Reveal")
    assert f"\n{third} <@{ada.id}>\n" in text_of(card)


async def test_the_private_message_changes_the_vote_too(ada: MemberActor, channel: ChannelHandle) -> None:
    card = card_of(await ada.slash(channel, "guess", text=TEXT))
    one, other = labels(card)[:2]
    *_, mine = seen(await ada.click(card, label=one))
    assert labels(mine) == labels(card)[:4]
    assert [button["label"] for button in buttons(mine.components) if button.get("disabled")] == [one]
    answer = await ada.click(mine, label=other)

    assert answer.followups == []
    assert text_of(mine).startswith(f"You changed your vote from {one} to {other}.\n")
    assert len(private_to(ada, channel)) == 1
    assert "1 vote so far." in text_of(card)
    await ada.click(card, label="Reveal")
    assert f"\n{other} <@{ada.id}>\n" in text_of(card)


async def test_who_votes_for_the_same_again_gets_the_message_anew(
    ada: MemberActor, channel: ChannelHandle
) -> None:
    # Perhaps they dismissed it: Discord does not say.
    card = card_of(await ada.slash(channel, "guess", text=TEXT))
    one = labels(card)[0]
    *_, before = seen(await ada.click(card, label=one))
    *_, again = seen(await ada.click(card, label=one))

    assert text_of(again).startswith(f"That's already your vote: {one}.\n")
    assert [message.id for message in private_to(ada, channel)] == [again.id] != [before.id]


async def test_a_vote_after_a_restart_gets_a_new_message_and_the_old_one_still_works(
    ada: MemberActor, channel: ChannelHandle, restart: Callable[[], Awaitable[None]]
) -> None:
    card = card_of(await ada.slash(channel, "guess", text=TEXT))
    one, other, third = labels(card)[:3]
    *_, old = seen(await ada.click(card, label=one))
    await restart()
    *_, new = seen(await ada.click(card, label=other))
    assert new.id != old.id
    assert text_of(new).startswith(f"You changed your vote from {one} to {other}.\n")
    await ada.click(old, label=third)

    assert text_of(old).startswith(f"You changed your vote from {other} to {third}.\n")
    assert "1 vote so far." in text_of(card)


async def test_the_private_message_says_when_the_round_is_over(
    ada: MemberActor, channel: ChannelHandle
) -> None:
    card = card_of(await ada.slash(channel, "guess", text=TEXT))
    one, other = labels(card)[:2]
    *_, mine = seen(await ada.click(card, label=one))
    await ada.click(card, label="Reveal")
    await ada.click(mine, label=other)

    assert text_of(mine).startswith("This round is over.")
    assert labels(mine) == []
    assert f"\n{one} <@{ada.id}>\n" in text_of(card)


async def test_a_vote_while_the_private_message_is_being_sent_is_left_to_the_next_edit(
    world: World, ada: MemberActor, channel: ChannelHandle
) -> None:
    card = card_of(await ada.slash(channel, "guess", text=TEXT))
    run_id, services = run_id_of(card), world.bot.services
    released, votes = asyncio.Event(), []

    async def edit() -> None:
        votes.append((await services.runs.rounds.find(run_id)).votes)
        await released.wait()

    async def is_under_way() -> bool:
        return bool(votes)

    under_way = asyncio.create_task(world.bot.locks.refresh(f"vote:{run_id}:{ada.id}", edit))
    await until(is_under_way)
    answer = await ada.click(card, label=labels(card)[0])
    assert answer.acknowledged
    assert private_to(ada, channel) == []
    released.set()
    await under_way

    assert [len(vote) for vote in votes] == [0, 1]


async def test_a_vote_during_an_edit_is_shown_by_the_next_edit(
    world: World, ada: MemberActor, grace: MemberActor, channel: ChannelHandle
) -> None:
    card = card_of(await ada.slash(channel, "guess", text=TEXT))
    services, released, edits = world.bot.services, asyncio.Event(), []

    async def edit() -> None:
        edits.append((await services.runs.rounds.find(run_id_of(card))).votes)
        await released.wait()

    async def is_under_way() -> bool:
        return bool(edits)

    under_way = asyncio.create_task(world.bot.locks.refresh(run_id_of(card), edit))
    await until(is_under_way)
    votes = [await person.click(card, label=labels(card)[0]) for person in (ada, grace)]
    assert all(vote.acknowledged for vote in votes)
    assert "No votes yet." in text_of(card)
    released.set()
    await under_way

    assert [len(edit) for edit in edits] == [0, 2]


@pytest.mark.slow
async def test_a_vote_that_cannot_be_stored_is_refused_and_works_later(
    ada: MemberActor, channel: ChannelHandle, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    card = card_of(await ada.slash(channel, "guess", text=TEXT))
    other = sqlite3.connect(database_url.removeprefix("sqlite:///"))
    other.execute("BEGIN EXCLUSIVE")
    for label in (labels(card)[0], "Reveal"):
        assert "try again in a minute" in refusal_of(await ada.click(card, label=label))
    other.rollback()
    other.close()
    assert "No votes yet." in text_of(card)
    await ada.click(card, label=labels(card)[0])

    assert "1 vote so far." in text_of(card)
    assert "the database failed" in caplog.text
    caplog.clear()


async def test_the_same_beginning_runs_the_model_only_once(
    world: World,
    ada: MemberActor,
    grace: MemberActor,
    channel: ChannelHandle,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await ada.slash(channel, "guess", text=TEXT)
    monkeypatch.setattr(world.bot.services.generations, "stream", None)
    second = await grace.slash(channel, "guess", text=TEXT)
    await grace.click(card_of(second), label="Reveal")

    assert top_guess(card_of(second))


async def test_there_is_no_round_without_four_distinct_tokens(open_world: OpenWorld) -> None:
    # Its steps have a single candidate.
    async with open_world(FakeModel()) as world:
        answer = await world.members[0].slash(world.channel, "guess", text=TEXT)
        await world.env.settle()

        assert "nothing to guess here" in refusal_of(answer)
        assert world.channel.history() == []


async def test_a_text_that_fills_the_context_has_no_next_token(
    ada: MemberActor, channel: ChannelHandle, services: Services
) -> None:
    context = services.generations.model.context
    answer = await ada.slash(channel, "guess", text="🙃" * min(2000, context))

    assert f"the model can only see {context:,}" in refusal_of(answer)


async def test_a_blank_text_is_refused(ada: MemberActor, channel: ChannelHandle) -> None:
    assert refusal_of(await ada.slash(channel, "guess", text=" ")).startswith("The text is blank")
