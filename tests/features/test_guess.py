"""A round is fair: the model's top guess is in it, and no two choices look alike."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import NothingToGuess, RevealTooEarly
from bot.features.guess import (
    CANDIDATES,
    CHOICES,
    PATIENCE,
    RIVALS,
    check_reveal,
    choices,
    is_legible,
    likeness,
    round_of,
    walk_for,
)
from bot.features.next import WalkRun
from bot.model.protocol import Candidate, Step
from tests.support.samples import ADA, FINGERPRINT, GRACE, LONDON_WAS, NOON

WORDS = (" the", " a", " one", " not", " an", " built", " very", " in", " on", " at")


def step_of(*texts: str, ranks: tuple[int, ...] = ()) -> Step:
    """Candidates with the ids 0, 1, 2 … that stand for ``texts``, by rank."""
    candidates = tuple(
        Candidate(place, 5.0 - place, -1.0 - place, rank)
        for place, rank in enumerate(ranks or range(1, len(texts) + 1))
    )
    return Step(candidates[0], candidates, 3.0)


def kept(*texts: str, ranks: tuple[int, ...] = ()) -> list[str]:
    return [texts[choice.token_id] for choice in choices(step_of(*texts, ranks=ranks), texts.__getitem__)]


def run_of(*texts: str, run_id: str = "a" * 16) -> WalkRun:
    return WalkRun(walk_for(run_id, ADA, LONDON_WAS), step_of(*texts), FINGERPRINT, NOON)


def test_the_request_is_greedy_with_enough_candidates() -> None:
    asked = walk_for("a" * 16, ADA, LONDON_WAS)

    assert asked.request.prompt_ids == LONDON_WAS
    assert asked.request.params.temperature == 0
    assert asked.request.params.candidates == CANDIDATES > 1 + RIVALS


@given(st.integers(0, 2**64 - 1))
def test_a_round_has_the_top_guess_and_three_likely_rivals(number: int) -> None:
    round_ = round_of(run_of(*WORDS, run_id=f"{number:016x}"), 7, WORDS.__getitem__)

    assert round_.top_guess == 0
    assert len(set(round_.choices)) == CHOICES
    assert 0 in round_.choices
    assert max(round_.choices) <= RIVALS
    assert round_.guild == 7


def test_the_same_run_has_the_same_round() -> None:
    assert round_of(run_of(*WORDS), 7, WORDS.__getitem__) == round_of(run_of(*WORDS), 7, WORDS.__getitem__)


def test_the_top_guess_can_be_anywhere_among_the_four() -> None:
    rounds = [
        round_of(run_of(*WORDS, run_id=f"{number:016x}"), None, WORDS.__getitem__) for number in range(200)
    ]
    places = [round_.choices.index(round_.top_guess) for round_ in rounds]

    assert all(30 <= places.count(place) <= 70 for place in range(CHOICES))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (" a", "a"),
        (" a", "  a"),
        ("\n", "\n\n"),
        (" ", "\n"),
        ("'s", "’s"),
        ('"', "“"),
        (" -", " –"),
        ("ﬁ", "fi"),
        ("A", "Ａ"),
        ("-" * 16, "-" * 32),
        (" " + "=" * 8, "=" * 64),
    ],
)
def test_of_two_lookalikes_the_more_likely_is_a_choice(one: str, other: str) -> None:
    assert kept(one, other, " b", " c", " d") == [one, " b", " c", " d"]
    assert kept(other, one, " b", " c", " d") == [other, " b", " c", " d"]


@pytest.mark.parametrize(
    ("one", "other"), [(" the", " The"), (".", "..."), (" a", " an"), (" 1", " 11"), ("-", "--")]
)
def test_distinguishable_tokens_are_different_choices(one: str, other: str) -> None:
    assert likeness(one) != likeness(other)


@pytest.mark.parametrize(
    "text", [" the", "\n", "\t", " ", "é", "東", "🙂", " €", "<b>", "@everyone", "\ufffd", "²"]
)
def test_whole_characters_that_are_seen_or_have_a_sign_are_legible(text: str) -> None:
    assert is_legible(text)


@pytest.mark.parametrize(
    "text",
    [
        "\udce2\udc80",
        " \udcf0",
        "<|endoftext|>",
        "",
        "\x00",
        "\u200b",
        "\u00a0",
        "\ufe0f",
        "\u202e",
        "\u0301",
    ],
)
def test_parts_of_characters_and_unseen_ones_are_not(text: str) -> None:
    assert not is_legible(text)


def test_an_illegible_token_is_no_rival() -> None:
    assert kept(" a", "\udce2", " b", "<|endoftext|>", " c", " d") == [" a", " b", " c", " d"]


def test_a_token_as_likely_as_the_top_guess_is_no_rival() -> None:
    assert kept(" a", " b", " c", " d", " e", ranks=(1, 1, 3, 4, 5)) == [" a", " c", " d", " e"]


@pytest.mark.parametrize(
    "texts",
    [
        ("\udce2", *WORDS),  # the top guess itself
        ("<|endoftext|>", *WORDS),
        (" a", "a", " b", " c", "\udce2"),
        (" a", " b", " c"),
    ],
)
def test_without_four_of_them_there_is_nothing_to_guess(texts: tuple[str, ...]) -> None:
    with pytest.raises(NothingToGuess):
        round_of(run_of(*texts), None, texts.__getitem__)


@pytest.mark.parametrize(
    ("person", "is_moderator", "later"), [(ADA, False, 0), (GRACE, True, 0), (GRACE, False, PATIENCE)]
)
def test_the_author_and_moderators_can_reveal_and_after_a_while_anyone(
    person: int, is_moderator: bool, later: float
) -> None:
    check_reveal(run_of(*WORDS), person=person, is_moderator=is_moderator, now=NOON + later)


def test_others_cannot_reveal_before_that() -> None:
    with pytest.raises(RevealTooEarly) as refused:
        check_reveal(run_of(*WORDS), person=GRACE, is_moderator=False, now=NOON + PATIENCE - 120)

    assert "Anyone can in 2 minutes." in refused.value.sentence
