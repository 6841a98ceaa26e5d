"""The end of a round of /guess: who reveals it, what it shows, scores, the next round."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import pytest
from simcord import ChannelHandle, MemberActor

from bot.custom_ids import custom_id
from bot.errors import ModelLoading
from bot.features.beginnings import BEGINNINGS
from bot.features.guess import PATIENCE
from bot.playground.world import World
from bot.services import Services
from tests.support.guessing import TEXT, beginning, labels, moderator_of, run_id_of, top_guess
from tests.support.inspecting import posted
from tests.support.reading import buttons, card_of, refusal_of, text_of

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_reveal_shows_the_votes_and_the_top_guess(
    ada: MemberActor, grace: MemberActor, channel: ChannelHandle, services: Services
) -> None:
    card = card_of(await ada.slash(channel, "guess", text=TEXT))
    four = labels(card)[:4]
    nexts = await ada.slash(channel, "next", prompt=TEXT, temperature=0.0)
    five = [label.partition(" ")[2] for label in labels(nexts)[:5]]
    top_token = five[0]
    wrong = next(name for name in four if name != top_token)
    await ada.click(card, label=top_token)
    await grace.click(card, label=wrong)
    revealed = await ada.click(card, label="Reveal")

    assert card_of(revealed).id == card.id
    assert top_guess(card) == top_token
    text = text_of(card).replace("\N{NO-BREAK SPACE}", " ")
    assert text.count("top guess") == 2  # in the title, and in the picture's words
    assert re.search(rf"1\. {re.escape(top_token)} [\d.]+ %, 1 vote, top guess", text)
    assert "1 of 2 votes got it right." in text
    assert f"\n{top_token} <@{ada.id}> · {wrong} <@{grace.id}>\n" in text
    for rank, name in enumerate(five, start=1):
        assert re.search(rf"\b{rank}\. {re.escape(name)} [\d.]+ %", text)
    assert f"Leaderboard: 🥇 <@{ada.id}> 1 of 1 round\n" in text
    assert labels(card) == ["Next round", "Leaderboard", "Numbers", "Delete"]
    assert not card_of(revealed).ephemeral


async def test_numbers_shows_the_figures_to_the_presser_once_the_round_is_over(
    world: World, ada: MemberActor, grace: MemberActor, channel: ChannelHandle
) -> None:
    card = card_of(await ada.slash(channel, "guess", text=TEXT))
    numbers = custom_id("numbers", "guess", run_id_of(card))
    early = await grace.click(await posted(world, numbers), custom_id=numbers)
    assert refusal_of(early) == "This round isn't over yet, so its numbers are still a secret."
    await ada.click(card, label="Reveal")
    answer = await grace.click(card, label="Numbers")

    assert card_of(answer).ephemeral
    assert re.match(rf"1\. {re.escape(top_guess(card))} [\d.]+\s% · id \d+ · logit ", text_of(answer))
    assert "Entropy of the whole distribution: " in text_of(answer)


async def test_only_the_author_or_a_moderator_reveals_at_first(
    world: World, ada: MemberActor, grace: MemberActor, channel: ChannelHandle
) -> None:
    card = card_of(await ada.slash(channel, "guess", text=TEXT))

    assert "Anyone can in 10 minutes." in refusal_of(await grace.click(card, label="Reveal"))
    assert "[Reveal]" in text_of(card)
    await moderator_of(world).click(card, label="Reveal")
    assert top_guess(card)


async def test_after_a_while_anyone_reveals(
    world: World,
    ada: MemberActor,
    grace: MemberActor,
    channel: ChannelHandle,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    card = card_of(await ada.slash(channel, "guess", text=TEXT))
    runs = world.bot.services.runs
    later = runs.now() + PATIENCE
    monkeypatch.setattr(runs, "_clock", lambda: later)
    await grace.click(card, label="Reveal")

    assert top_guess(card)


async def test_votes_and_the_round_survive_restarts(
    ada: MemberActor,
    grace: MemberActor,
    channel: ChannelHandle,
    restart: Callable[[], Awaitable[None]],
) -> None:
    card = card_of(await ada.slash(channel, "guess", text=TEXT))
    one, other = labels(card)[:2]
    await ada.click(card, label=one)
    await restart()
    await grace.click(card, label=other)
    assert "2 votes so far." in text_of(card)
    await restart()
    await ada.click(card, label="Reveal")

    assert all(f"<@{person.id}>" in text_of(card) for person in (ada, grace))
    await restart()
    scores = text_of(await grace.click(card, label="Leaderboard"))
    # Which of the four stand first is chance.
    somebody_was_right = top_guess(card) in (one, other)
    assert scores.count(" of 1") == (2 if somebody_was_right else 0)
    assert ("No correct guesses" in scores) is not somebody_was_right


async def test_a_press_on_an_outdated_open_card_shows_the_revealed_one(
    ada: MemberActor, grace: MemberActor, channel: ChannelHandle, world: World
) -> None:
    card = card_of(await ada.slash(channel, "guess", text=TEXT))
    # The round is over, but the card does not show it yet, as while the reveal is being sent.
    await world.bot.services.runs.rounds.reveal(run_id_of(card))
    await grace.click(card, label=labels(card)[0])

    assert top_guess(card)
    assert "No votes." in text_of(card)


async def test_the_next_round_is_a_new_card_owned_by_its_requester(
    ada: MemberActor, grace: MemberActor, channel: ChannelHandle
) -> None:
    first = await ada.slash(channel, "guess")
    await ada.click(card_of(first), label="Reveal")
    second = await grace.click(card_of(first), label="Next round")

    assert card_of(second).id != card_of(first).id
    assert labels(first) == ["Next round started", "Leaderboard", "Numbers", "Delete"]
    (begun, *others) = buttons(card_of(first).components)
    assert begun["disabled"]
    assert not any(button.get("disabled") for button in others)
    assert f"<@{grace.id}> or a moderator can reveal" in text_of(second)
    assert "The model's top guess" in text_of(card_of(first))
    await grace.click(card_of(second), label="Reveal")
    assert top_guess(card_of(second))


async def test_the_next_round_begins_even_if_the_old_card_cannot_be_edited(
    world: World, ada: MemberActor, channel: ChannelHandle
) -> None:
    card = card_of(await ada.slash(channel, "guess"))
    await ada.click(card, label="Reveal")
    world.env.inject_error("PATCH", "/channels/*/messages/*", status=403, code=50001)
    following = await ada.click(card, label="Next round")

    assert "No votes yet." in text_of(card_of(following))
    assert labels(card)[0] == "Next round"


@pytest.mark.slow
async def test_scores_are_shown_only_to_the_requester(
    ada: MemberActor, grace: MemberActor, channel: ChannelHandle
) -> None:
    card = card_of(await ada.slash(channel, "guess", text=TEXT))
    empty = await grace.click(card, label="Leaderboard")
    assert "No finished rounds yet." in text_of(empty)
    await grace.click(card, label=labels(card)[0])
    await ada.click(card, label="Reveal")
    scores = await ada.click(card, label="Leaderboard")

    assert card_of(scores).ephemeral
    assert re.search(r"(1\. Grace 1 of 1\)|No correct guesses)", text_of(scores))


async def test_the_leaderboard_names_the_players(
    ada: MemberActor, grace: MemberActor, channel: ChannelHandle
) -> None:
    top_token = labels(await ada.slash(channel, "next", prompt=TEXT, temperature=0.0))[0][2:]
    card = card_of(await ada.slash(channel, "guess", text=TEXT))
    for person in (ada, grace):
        await person.click(card, label=top_token)
    await ada.click(card, label="Reveal")
    board = card_of(await ada.click(card, label="Leaderboard"))

    assert "1. Ada 1 of 1, you; 1. Grace 1 of 1" in text_of(board)
    assert "<@" not in text_of(board)
    assert [file.filename for file in board.attachments] == ["leaderboard.png"]


async def test_a_direct_message_has_rounds_but_no_leaderboard(world: World, ada: MemberActor) -> None:
    answer = await ada.user.slash("guess", text=TEXT)
    card = card_of(answer)
    assert labels(card)[4:] == ["Reveal", "Delete"]
    assert "moderator" not in text_of(card)
    await ada.user.click(card, label=labels(card)[0])
    assert "1 vote so far." in text_of(card)
    await ada.user.click(card, label="Reveal")

    assert top_guess(card)
    assert "Leaderboard" not in text_of(card)
    following = await ada.user.click(card, label="Next round")
    assert beginning(following) in BEGINNINGS


async def test_a_round_can_be_finished_while_the_model_reloads(
    world: World, ada: MemberActor, channel: ChannelHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = card_of(await ada.slash(channel, "guess", text=TEXT))

    def loading(_self: object) -> None:
        raise ModelLoading("starting")

    monkeypatch.setattr(type(world.bot.services.generations), "model", property(loading))
    await ada.click(card, label=labels(card)[0])
    await ada.click(card, label="Reveal")

    assert top_guess(card)
