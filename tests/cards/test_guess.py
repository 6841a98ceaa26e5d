"""The cards of /guess keep the votes secret until the reveal, and then show all of it."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest
from discord import ui
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from bot import cards
from bot.cards import GuessCard, RevealCard
from bot.features.guess import Round, Score
from bot.model.protocol import Candidate, Step
from tests.support import strategies
from tests.support.limits import assert_within_limits, buttons_of, text_of

NAMES = {262: "␣the", 257: "␣a", 530: "␣one", 198: "⏎", 407: "␣not", 635: "␣also"}
CANDIDATES = tuple(
    Candidate(token_id, 10.0 - rank, math.log(0.4 / rank), rank)
    for rank, token_id in enumerate(NAMES, start=1)
)
ADA, GRACE, ALAN = 11, 22, 33
ROUND = Round(strategies.RUN_ID, 7, (407, 262, 198, 257), top_guess=262)
OPEN = GuessCard(ROUND, ADA, "London was", NAMES)
VOTES = {ADA: 407, GRACE: 262, ALAN: 262}
OVER = RevealCard(
    replace(OPEN, round=replace(ROUND, revealed=True, votes=VOTES)),
    Step(CANDIDATES[0], CANDIDATES, entropy=7.0),
    " the",
    (Score(GRACE, 2, 3), Score(ALAN, 1, 1), Score(ADA, 0, 3)),
)

people = st.integers(2**60, 2**63 - 1)
scores = st.lists(st.builds(Score, people, st.integers(0, 10**6), st.integers(1, 10**6)), max_size=30)


@st.composite
def games(draw: st.DrawFn) -> RevealCard:
    ids = draw(st.lists(strategies.token_ids, min_size=20, max_size=20, unique=True))
    candidates = tuple(
        structs.replace(draw(strategies.candidates), token_id=token_id, rank=rank)
        for rank, token_id in enumerate(ids, start=1)
    )
    choices = draw(st.permutations([ids[0], *ids[3:6]]))
    votes = draw(st.dictionaries(people, st.sampled_from(choices), max_size=60))
    guild = draw(st.none() | people)
    round_ = Round(strategies.RUN_ID, guild, tuple(choices), ids[0], revealed=True, votes=votes)
    game = GuessCard(
        round=round_,
        owner=draw(people),
        prompt=draw(strategies.long_texts.filter(str.strip)),
        names={token_id: draw(st.text(min_size=1, max_size=130)) for token_id in ids},
    )
    step = Step(candidates[0], candidates, draw(st.floats(0, 15.62)))
    return RevealCard(game, step, draw(strategies.texts), tuple(draw(scores)))


@pytest.mark.slow
@given(games())
def test_any_round_fits_in_a_message_and_has_room_to_be_shared(content: RevealCard) -> None:
    for view in (cards.guess(content.game), cards.reveal(content)):
        assert_within_limits(view)
        assert view.content_length() <= 3850
        assert view.total_children_count <= 38


@given(scores)
def test_any_table_fits_too(table: list[Score]) -> None:
    assert_within_limits(cards.leaderboard(table, person=2**62, days=3650))


def test_a_vote_is_cast_by_the_token_s_button_in_the_order_of_the_round() -> None:
    buttons = buttons_of(cards.guess(OPEN))

    assert list(buttons)[:4] == ["␣not", "␣the", "⏎", "␣a"]
    assert buttons["␣the"].custom_id == f"guess:vote:{strategies.RUN_ID}:262"


@pytest.mark.parametrize(
    ("votes", "said"),
    [
        ({}, "No votes yet."),
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
    text = text_of(cards.guess(OPEN))

    assert "␣ is a space, ⏎ is a line break." in text
    assert "⇥" not in text
    assert f"<@{ADA}> or a moderator can reveal; after 10 minutes, anyone can." in text


def test_the_reveal_shows_the_four_by_rank_with_their_voters() -> None:
    text = text_of(cards.reveal(OVER))
    places = [text.index(line) for line in ("`␣the` **40.0 %** ⭐", "`␣a` **20.0 %**", "`⏎` **10.0 %**")]

    assert places == sorted(places)
    assert text.count("⭐") == 1
    assert "2 votes: <@22> <@33>" in text
    assert "1 vote: <@11>" in text
    assert len(re.findall("votes?:", text)) == 2
    assert "**2 of 3 votes** got it right." in text


def test_many_voters_are_counted_and_some_are_named() -> None:
    crowd = replace(OVER.game.round, votes=dict.fromkeys(range(100, 125), 262))
    text = text_of(cards.reveal(replace(OVER, game=replace(OVER.game, round=crowd))))

    assert "25 votes: <@100>" in text
    assert "<@109> and 15 more" in text
    assert "<@110>" not in text


def test_a_round_without_votes_says_so() -> None:
    without_votes = replace(OVER.game.round, votes={})

    assert "No votes." in text_of(cards.reveal(replace(OVER, game=replace(OVER.game, round=without_votes))))


def test_the_reveal_shows_the_whole_distribution_in_plain_words() -> None:
    text = text_of(cards.reveal(OVER))

    assert "`␣the` 40.0 % · `␣a` 20.0 % · `␣one` 13.3 % · `⏎` 10.0 % · `␣not` 8.0 %" in text
    assert "These five: **91.3 %**. Everything else: 8.7 %." in text
    assert "Entropy of the whole distribution: **7.00 bits**, like choosing among 128 equal options." in text


def test_a_model_that_leaves_nothing_open_was_certain() -> None:
    certain = replace(OVER, step=structs.replace(OVER.step, entropy=0.1))

    assert "**0.10 bits**, all but certain." in text_of(cards.reveal(certain))


def test_the_top_guess_stands_after_its_text() -> None:
    assert "\n**London was** the\n" in text_of(cards.reveal(OVER))


def test_a_server_has_a_leaderboard_and_a_direct_message_none() -> None:
    alone = replace(OVER, game=replace(OVER.game, round=replace(OVER.game.round, guild=None)), scores=())

    assert "🥇 <@22> 2 of 3 rounds · 🥈 <@33> 1 of 1 round" in text_of(cards.reveal(OVER))
    assert "<@11> 0 of 3" not in text_of(cards.reveal(OVER))
    assert "Leaderboard" in buttons_of(cards.reveal(OVER))
    assert "Leaderboard" not in buttons_of(cards.reveal(alone))
    assert "Leaderboard" not in buttons_of(cards.guess(alone.game))
    assert "moderator" not in text_of(cards.guess(alone.game))


def test_what_people_and_the_model_wrote_is_shown_literally() -> None:
    named = replace(OVER.game, prompt="@everyone **x**", names={**NAMES, 262: "`<@1>`"})
    text = text_of(cards.reveal(replace(OVER, game=named, appended="# y")))

    assert "\\@everyone \\*\\*x\\*\\*" in text
    assert "`ˋ<@1>ˋ`" in text


def test_the_leaderboard_has_ten_people_and_the_requester() -> None:
    table = [Score(person, 50 - person, 60) for person in range(1, 21)]
    text = text_of(cards.leaderboard(table, person=15, days=30))

    assert "🥇 <@1> 49 of 60 rounds" in text
    assert "**10.** <@10> 40 of 60 rounds" in text
    assert "<@11>" not in text
    assert "**15.** <@15> 35 of 60 rounds" in text
    assert "count for 30 days" in text


def test_equal_scores_share_a_place_and_zero_has_none() -> None:
    table = [Score(1, 5, 6), Score(2, 5, 6), Score(3, 5, 7), Score(4, 1, 2), Score(5, 1, 2), Score(6, 0, 1)]
    text = text_of(cards.leaderboard(table, person=1, days=30))

    for line in (
        "🥇 <@1> 5 of 6 rounds",
        "🥇 <@2> 5 of 6 rounds",
        "🥉 <@3> 5 of 7 rounds",
        "**4.** <@4> 1 of 2 rounds",
        "**4.** <@5> 1 of 2 rounds",
        "– <@6> 0 of 1 round",
    ):
        assert f"\n{line}\n" in text
    assert "🥈" not in text


def test_many_who_share_the_medals_are_counted() -> None:
    text = text_of(
        cards.reveal(replace(OVER, scores=tuple(Score(person, 1, 1) for person in range(100, 109))))
    )

    assert "🥇 <@100> 1 of 1 round · 🥇 <@101>" in text
    assert "🥇 <@104> 1 of 1 round and 4 more" in text


def test_without_a_correct_guess_there_is_no_medal() -> None:
    table = (Score(GRACE, 0, 1), Score(ADA, 0, 3))

    for text in (
        text_of(cards.leaderboard(table, person=ADA, days=30)),
        text_of(cards.reveal(replace(OVER, scores=table))),
    ):
        assert "No correct guesses yet." in text
        assert not any(medal in text for medal in "🥇🥈🥉")


def test_the_four_of_a_reveal_stand_apart() -> None:
    (frame,) = cards.reveal(OVER).children
    assert isinstance(frame, ui.Container)
    kinds = [
        "text" if isinstance(item, ui.TextDisplay) else "rule" if item.visible else "room"
        for item in frame.children
        if isinstance(item, (ui.Separator, ui.TextDisplay))
    ]

    assert "rule text room text room text room text rule" in " ".join(kinds)


def test_an_empty_table_says_so() -> None:
    assert "No finished rounds yet." in text_of(cards.leaderboard([], person=1, days=30))


def test_a_vote_is_confirmed_and_a_changed_one_with_both_tokens() -> None:
    assert "You voted for `␣the`. Press another to change it." in text_of(cards.voted("␣the", None))
    assert "You changed your vote from `␣the` to `␣a`." in text_of(cards.voted("␣a", "␣the"))
    assert "`␣a` is already your vote." in text_of(cards.voted("␣a", "␣a"))


def test_a_space_at_the_end_of_the_prompt_is_pointed_out() -> None:
    hint = "The prompt ends with a space"

    assert hint in text_of(cards.guess(replace(OPEN, prompt="London was ")))
    assert hint not in text_of(cards.guess(replace(OPEN, prompt="London was")))
