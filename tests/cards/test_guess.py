"""The cards of an open round of /guess keep the votes secret."""

from __future__ import annotations

from dataclasses import replace

import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import cards
from bot.cards import RevealCard
from bot.features.guess import NO_ONE
from tests.support import strategies
from tests.support.guess_cards import ADA, OPEN, ROUND, VOTES, games
from tests.support.limits import assert_within_limits, buttons_of, text_of


@pytest.mark.slow
@given(games(), st.data())
def test_any_round_fits_in_a_message_and_has_room_to_be_shared(
    content: RevealCard, data: st.DataObject
) -> None:
    choices = content.game.round.choices
    now, before = (data.draw(st.sampled_from(choices)) for _ in range(2))
    for view in (cards.guess(content.game), cards.voted(content.game, now, before)):
        assert_within_limits(view)
        assert view.content_length() <= 3850
        assert view.total_children_count <= 38


def test_a_vote_is_cast_by_the_token_s_button_in_the_order_of_the_round() -> None:
    buttons = buttons_of(cards.guess(OPEN))

    assert list(buttons)[:4] == ["␣not", "␣the", "⏎", "␣a"]
    assert buttons["␣the"].custom_id == f"guess:vote:{strategies.RUN_ID}:262"


@pytest.mark.parametrize(
    ("votes", "said"),
    [
        ({}, "No votes yet. Pick one, or press Reveal to give up."),
        ({ADA: 262}, "**1 vote** so far."),
        (VOTES, "**3 votes** so far."),
    ],
)
def test_the_open_card_says_how_many_have_voted(votes: dict[int, int], said: str) -> None:
    assert said in text_of(cards.guess(replace(OPEN, round=replace(ROUND, votes=votes))))


def test_the_open_card_hides_votes_and_voters() -> None:
    one_way = replace(OPEN, round=replace(ROUND, votes=dict.fromkeys(VOTES, 262)))
    other_way = replace(OPEN, round=replace(ROUND, votes=dict.fromkeys((1, 2, 3), 407)))

    assert text_of(cards.guess(one_way)) == text_of(cards.guess(other_way))
    assert list(buttons_of(cards.guess(one_way))) == list(buttons_of(cards.guess(other_way)))


def test_the_open_card_explains_the_signs_on_it_and_who_can_reveal() -> None:
    *_, facts = text_of(cards.guess(OPEN)).splitlines()

    assert facts == (
        "-# demo-model · ␣ is a space, ⏎ is a line break · votes stay hidden until the reveal · "
        f"<@{ADA}> or a moderator can reveal; after 10 minutes, anyone can"
    )


@pytest.mark.parametrize(
    ("owner", "guild", "who"),
    [
        (ADA, None, f"<@{ADA}> can reveal; after 10 minutes, anyone can"),
        (NO_ONE, 7, "a moderator can reveal; after 10 minutes, anyone can"),
        (NO_ONE, None, "after 10 minutes, anyone can reveal"),
    ],
)
def test_it_names_only_those_who_are_there(owner: int, guild: int | None, who: str) -> None:
    text = text_of(cards.guess(replace(OPEN, owner=owner, round=replace(ROUND, guild=guild))))

    assert text.endswith(f"until the reveal · {who}")


def test_a_text_that_was_deleted_is_not_shown() -> None:
    text = text_of(cards.guess(replace(OPEN, owner=NO_ONE, prompt="")))

    assert "(The text was deleted: its author asked for it.) ▁▁▁" in text
    assert "****" not in text


def test_what_people_wrote_is_shown_literally() -> None:
    text = text_of(cards.guess(replace(OPEN, prompt="@everyone **x**", model="# *m*")))

    assert "\\@everyone \\*\\*x\\*\\*" in text
    assert "-# \\# \\*m\\*" in text


def test_the_four_choices_stand_out_alike_and_nothing_else_does() -> None:
    styles = [button.style for button in buttons_of(cards.guess(OPEN)).values()]

    assert set(styles[:4]) == {discord.ButtonStyle.primary}
    assert set(styles[4:]) == {discord.ButtonStyle.secondary}


@pytest.mark.parametrize("votes", [{}, {ADA: 262}])
def test_a_round_can_be_revealed_at_any_time(votes: dict[int, int]) -> None:
    view = cards.guess(replace(OPEN, round=replace(ROUND, votes=votes)))

    assert not buttons_of(view)["Reveal"].disabled
    assert ("No votes yet. Pick one, or press Reveal to give up." in text_of(view)) == (not votes)


def test_a_vote_is_confirmed_and_a_changed_one_with_both_tokens() -> None:
    assert "You voted for `␣the`." in text_of(cards.voted(OPEN, 262, None))
    assert "You changed your vote from `␣the` to `␣a`." in text_of(cards.voted(OPEN, 257, 262))
    assert "That's already your vote: `␣a`." in text_of(cards.voted(OPEN, 257, 257))


def test_the_voter_s_own_card_has_the_choices_and_marks_the_vote() -> None:
    public, own = buttons_of(cards.guess(OPEN)), buttons_of(cards.voted(OPEN, 262, None))

    assert {label: button.custom_id for label, button in own.items()} == {
        label: public[label].custom_id for label in list(public)[:4]
    }
    assert [label for label, button in own.items() if button.disabled] == ["␣the"]
    assert own["␣the"].style is discord.ButtonStyle.success


def test_the_voter_s_own_card_says_when_it_is_too_late() -> None:
    assert text_of(cards.too_late()).startswith("This round is over.")
    assert not buttons_of(cards.too_late())


def test_a_direct_message_has_no_leaderboard_and_no_moderators() -> None:
    alone = cards.guess(replace(OPEN, round=replace(ROUND, guild=None)))

    assert "Leaderboard" not in buttons_of(alone)
    assert "moderator" not in text_of(alone)


def test_a_space_at_the_end_of_the_prompt_is_pointed_out() -> None:
    hint = "The prompt ends with a space"

    assert hint in text_of(cards.guess(replace(OPEN, prompt="London was ")))
    assert hint not in text_of(cards.guess(replace(OPEN, prompt="London was")))
