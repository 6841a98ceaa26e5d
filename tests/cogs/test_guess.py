"""/guess as a channel plays it: a beginning, four tokens, a vote each."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest
from simcord import ChannelHandle, MemberActor

from bot.features.beginnings import BEGINNINGS
from bot.features.guess import CHOICES, choices, walk_for
from bot.playground.answer import seen
from bot.playground.world import World
from bot.queue.limits import Asker
from bot.queue.updates import Finished
from bot.services import Services
from tests.cogs.conftest import OpenWorld
from tests.fakes.model import FakeModel
from tests.support.guessing import TEXT, beginning, labels, run_id_of, top_guess
from tests.support.reading import card_of, refusal_of, text_of
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_round_shows_the_beginning_and_four_candidates(
    ada: MemberActor, channel: ChannelHandle
) -> None:
    answer = await ada.slash(channel, "guess", text=TEXT)

    assert "\nLondon was ▁▁▁\n" in text_of(answer)
    assert "No votes yet." in text_of(answer)
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
        assert text_of(confirmation) == f"You voted for {name}. Press another to change it."
        assert confirmation.ephemeral

    assert "2 votes so far." in text_of(card)
    assert str(grace.id) not in text_of(card)


async def test_a_vote_can_be_changed_and_only_the_voter_sees_it(
    ada: MemberActor, channel: ChannelHandle
) -> None:
    card = card_of(await ada.slash(channel, "guess", text=TEXT))
    one, other = labels(card)[:2]
    await ada.click(card, label=one)
    changed = await ada.click(card, label=other)
    again = await ada.click(card, label=other)

    for answer, said in (
        (changed, f"You changed your vote from {one} to {other}."),
        (again, f"{other} is already your vote."),
    ):
        *_, confirmation = seen(answer)
        assert text_of(confirmation) == said
        assert confirmation.ephemeral
    assert "1 vote so far." in text_of(card)
    await ada.click(card, label="Reveal")
    line = text_of(card).split(f"1 vote: <@{ada.id}>")[0].rstrip().rsplit("\n", 2)[1]
    assert line.startswith(other)


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


@pytest.mark.slow
async def test_every_beginning_of_ours_can_be_guessed(services: Services) -> None:
    encodings = services.encodings
    for number, text in enumerate(BEGINNINGS):
        walk = walk_for(f"{number:016x}", 1, encodings.encode(text))
        async with services.generations.stream(walk.request, asker=Asker(1, None)) as updates:
            (finished,) = [update async for update in updates if isinstance(update, Finished)]
        (step,) = finished.completion.steps

        assert len(choices(step, lambda token_id: encodings.decode([token_id]))) >= CHOICES


async def test_a_text_that_fills_the_context_has_no_next_token(
    ada: MemberActor, channel: ChannelHandle, services: Services
) -> None:
    context = services.generations.model.context
    answer = await ada.slash(channel, "guess", text="🙃" * min(2000, context))

    assert f"the model can only see {context:,}" in refusal_of(answer)


async def test_a_blank_text_is_refused(ada: MemberActor, channel: ChannelHandle) -> None:
    assert refusal_of(await ada.slash(channel, "guess", text=" ")).startswith("The text is blank")
