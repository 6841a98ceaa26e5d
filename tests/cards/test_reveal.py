"""The cards of a round of /guess that is over show all of it."""

from __future__ import annotations

from dataclasses import replace

import discord
import pytest
from hypothesis import given
from msgspec import structs

from bot import cards
from bot.cards import RevealCard
from bot.cards.pictures.bars import draw_bars
from bot.cards.pictures.canvas import FAINT
from bot.features.guess import Score
from tests.support.guess_cards import CANDIDATES, GRACE, NAMES, OVER, games
from tests.support.limits import alt_of, assert_within_limits, buttons_of, text_of


@pytest.mark.slow
@given(games())
def test_any_reveal_fits_in_a_message_and_has_room_to_be_shared(content: RevealCard) -> None:
    for view in (cards.reveal(content), cards.reveal_numbers(content)):
        assert_within_limits(view)
        assert view.content_length() <= 3850
        assert view.total_children_count <= 38


@pytest.mark.slow
@given(games())
def test_any_reveal_can_be_drawn(content: RevealCard) -> None:
    bars = cards.reveal_bars(content)

    assert 6 <= len(bars) <= 9
    assert draw_bars(bars)


def test_the_picture_has_the_top_five_with_their_votes() -> None:
    bars = cards.reveal_bars(OVER)

    assert [
        (bar.rank, bar.label, bar.value.replace("\N{NO-BREAK SPACE}", " "), bar.note) for bar in bars
    ] == [
        ("1", "␣the", "40.0 %", "2 votes"),
        ("2", "␣a", "20.0 %", ""),
        ("3", "␣one", "13.3 %", ""),
        ("4", "⏎", "10.0 %", ""),
        ("5", "␣not", "8.0 %", "1 vote"),
        ("", "everything else", "8.7 %", ""),
    ]
    assert [bar.mark for bar in bars] == ["top guess", "", "", "", "", ""]
    assert [bar.label for bar in bars if bar.colour == FAINT] == ["␣one"]


def test_a_choice_outside_the_top_five_has_a_row_too() -> None:
    choices = (262, 257, 198, 635)
    content = replace(OVER, game=replace(OVER.game, round=replace(OVER.game.round, choices=choices)))

    assert [bar.rank for bar in cards.reveal_bars(content)] == ["1", "2", "3", "4", "5", "6", ""]


def test_the_words_of_the_picture_say_the_same() -> None:
    assert "1. ␣the 40.0 %, 2 votes, top guess; 2. ␣a 20.0 %; 3. " in alt_of(cards.reveal(OVER))


def test_grey_is_explained_where_there_is_any() -> None:
    five = OVER.step.candidates[:4]
    all_choices = replace(OVER, step=structs.replace(OVER.step, candidates=five))
    everyone = replace(all_choices.game.round, choices=tuple(one.token_id for one in five))

    facts = "-# demo-model · the model's own probabilities (temperature 1)"
    assert text_of(cards.reveal(OVER)).endswith(f"{facts} · grey: not among the four")
    without = cards.reveal(replace(all_choices, game=replace(OVER.game, round=everyone)))
    assert text_of(without).endswith(facts)


def test_the_result_names_the_voters_of_each_choice_the_right_ones_first() -> None:
    text = text_of(cards.reveal(OVER))

    assert "\n**2 of 3 votes got it right.**\n-# `␣the` <@22> <@33> · `␣not` <@11>\n" in text


def test_many_voters_are_counted_and_some_are_named() -> None:
    crowd = replace(OVER.game.round, votes=dict.fromkeys(range(100, 125), 262))
    content = replace(OVER, game=replace(OVER.game, round=crowd))
    text = text_of(cards.reveal(content))

    assert cards.reveal_bars(content)[0].note == "25 votes"
    assert "`␣the` <@100>" in text
    assert "<@109> and 15 more" in text
    assert "<@110>" not in text


def test_a_round_without_votes_says_so() -> None:
    without_votes = replace(OVER.game.round, votes={})
    text = text_of(cards.reveal(replace(OVER, game=replace(OVER.game, round=without_votes))))

    assert "\nNo votes.\n**Leaderboard" in text


def test_the_top_guess_stands_after_its_text() -> None:
    assert text_of(cards.reveal(OVER)).startswith(
        "### 🎯 The model's top guess: `␣the`\n**London was** the\n"
    )


def test_numbers_has_the_figures_of_all_rows_and_the_whole_distribution() -> None:
    text = text_of(cards.reveal_numbers(OVER))

    assert "**1.** `␣the` **40.0 %** · id 262 · logit 9.00" in text
    assert "**5.** `␣not` **8.0 %** · id 407 · logit 5.00" in text
    assert "These five: **91.3 %**. Everything else: 8.7 %." in text
    assert "Entropy of the whole distribution: **7.00 bits**, like choosing among 128 equal options." in text
    assert not buttons_of(cards.reveal_numbers(OVER))


def test_a_model_that_leaves_nothing_open_was_certain() -> None:
    certain = replace(OVER, step=structs.replace(OVER.step, entropy=0.1))

    assert "**0.10 bits**, all but certain." in text_of(cards.reveal_numbers(certain))


def test_the_next_round_is_what_most_people_press() -> None:
    buttons = buttons_of(cards.reveal(OVER))

    assert list(buttons) == ["Next round", "Leaderboard", "Numbers", "Delete"]
    assert [label for label, one in buttons.items() if one.style is discord.ButtonStyle.primary] == [
        "Next round"
    ]


def test_a_server_has_a_leaderboard_and_a_direct_message_none() -> None:
    alone = replace(OVER, game=replace(OVER.game, round=replace(OVER.game.round, guild=None)), scores=())

    assert "🥇 <@22> 2 of 3 rounds · 🥈 <@33> 1 of 1 round" in text_of(cards.reveal(OVER))
    assert "<@11> 0 of 3" not in text_of(cards.reveal(OVER))
    assert "Leaderboard" not in buttons_of(cards.reveal(alone))
    assert "Leaderboard" not in text_of(cards.reveal(alone))


def test_what_people_and_the_model_wrote_is_shown_literally() -> None:
    named = replace(OVER.game, prompt="@everyone **x**", names={**NAMES, 262: "`<@1>`"})
    text = text_of(cards.reveal(replace(OVER, game=named, appended="# y")))

    assert "\\@everyone \\*\\*x\\*\\*" in text
    assert "`ˋ<@1>ˋ`" in text


def test_a_text_that_was_deleted_is_not_shown() -> None:
    gone = replace(OVER, game=replace(OVER.game, prompt=""))

    assert "(The text was deleted: its author asked for it.) the\n" in text_of(cards.reveal(gone))


def test_many_who_share_the_medals_are_counted() -> None:
    text = text_of(
        cards.reveal(replace(OVER, scores=tuple(Score(person, 1, 1) for person in range(100, 109))))
    )

    assert "🥇 <@100> 1 of 1 round · 🥇 <@101>" in text
    assert "🥇 <@104> 1 of 1 round and 4 more" in text


def test_without_a_correct_guess_there_is_no_medal() -> None:
    text = text_of(cards.reveal(replace(OVER, scores=(Score(GRACE, 0, 1),))))

    assert "No correct guesses yet." in text
    assert not any(medal in text for medal in "🥇🥈🥉")


def test_the_sample_has_more_than_five_candidates() -> None:
    assert len(CANDIDATES) > 5
