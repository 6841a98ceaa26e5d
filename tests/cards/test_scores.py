"""The leaderboard of /guess: a picture with names, and mentions of those whose name is unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cards import LeaderboardCard, leaderboard, leaderboard_bars, listed
from bot.cards.pictures.bars import draw_bars
from bot.features.guess import Score
from tests.support.guess_cards import people, scores
from tests.support.limits import alt_of, assert_within_limits, text_of

TWENTY = [Score(person, 50 - person, 60) for person in range(1, 21)]
NAMES = {1: "Ada", 2: "Grace Hopper", 15: "김민수"}


def board(table: Sequence[Score], person: int = 1, names: Mapping[int, str] | None = None) -> LeaderboardCard:
    return LeaderboardCard(table, person, 30, NAMES if names is None else names)


@given(
    st.builds(
        LeaderboardCard, scores, people, st.integers(1, 10**5), st.dictionaries(people, st.text(min_size=1))
    )
)
def test_any_table_fits(content: LeaderboardCard) -> None:
    assert_within_limits(leaderboard(content))


@pytest.mark.slow
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=32), max_size=10))
def test_any_name_can_be_drawn(names: list[str]) -> None:
    table = [Score(person, 5, 6) for person in range(len(names))]

    assert draw_bars(leaderboard_bars(board(table, names=dict(enumerate(names)))))


def test_the_picture_has_ten_people_and_the_requester() -> None:
    bars = leaderboard_bars(board(TWENTY, person=15))

    assert [bar.rank for bar in bars] == [*map(str, range(1, 11)), "15"]
    assert [bar.value for bar in bars] == [f"{50 - place} of 60" for place in (*range(1, 11), 15)]
    assert [(bar.label, bar.mark) for bar in bars if bar.mark] == [("김민수", "you")]
    assert bars[0].length == 1
    assert bars[9].length == pytest.approx(40 / 49)
    assert "count for 30 days" in text_of(leaderboard(board(TWENTY)))


def test_its_words_say_the_same() -> None:
    assert alt_of(leaderboard(board(TWENTY[:2]))) == (
        "Correct guesses: 1. Ada 49 of 60, you; 2. Grace Hopper 48 of 60"
    )


def test_a_player_whose_name_is_unknown_is_mentioned_below() -> None:
    table = TWENTY[:4]
    bars = leaderboard_bars(board(table))

    assert [(bar.label, bar.is_plain) for bar in bars] == [
        ("Ada", False),
        ("Grace Hopper", False),
        ("(name below)", True),
        ("(name below)", True),
    ]
    assert "\n🥉 <@3> · **4.** <@4>\n" in text_of(leaderboard(board(table)))
    assert "<@" not in text_of(leaderboard(board(TWENTY[:2])))


def test_equal_scores_share_a_place_and_zero_has_none() -> None:
    table = [Score(1, 5, 6), Score(2, 5, 6), Score(3, 5, 7), Score(4, 1, 2), Score(5, 1, 2), Score(6, 0, 1)]

    assert [place for place, _ in listed(table, 1)] == [1, 1, 3, 4, 4, None]
    assert [bar.rank for bar in leaderboard_bars(board(table))] == ["1", "1", "3", "4", "4", "–"]
    assert leaderboard_bars(board(table))[-1].length == 0


@pytest.mark.parametrize(
    ("table", "said"),
    [([], "No finished rounds yet."), ([Score(1, 0, 1), Score(2, 0, 3)], "No correct guesses yet.")],
)
def test_without_a_correct_guess_there_is_no_picture(table: list[Score], said: str) -> None:
    view = leaderboard(board(table))

    assert leaderboard_bars(board(table)) == ()
    assert said in text_of(view)
    assert alt_of(view) == ""
