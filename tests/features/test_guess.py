"""A round is fair: the model's top guess is in it, and no two choices look alike."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import NothingToGuess, RevealTooEarly
from bot.features.guess import (
    CANDIDATES,
    CHOICES,
    CONFIDENT,
    PATIENCE,
    RIVALS,
    UNSURE,
    TextOf,
    check_reveal,
    choices,
    confidence,
    is_good,
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


NOUNS = (
    " tea",
    " the",
    " wine",
    " a",
    " bread",
    " milk",
    "ed",
    " water",
    " coffee",
    " punch",
    " ale",
    " cake",
)


@pytest.mark.parametrize("number", range(20))
def test_the_rivals_of_a_content_word_are_the_likeliest_content_words(number: int) -> None:
    round_ = round_of(run_of(*NOUNS, run_id=f"{number:016x}"), 7, NOUNS.__getitem__)

    assert {NOUNS[token_id] for token_id in round_.choices} <= {
        " tea", " wine", " bread", " milk", " water", " coffee", " punch"
    }  # fmt: skip


def test_where_there_are_too_few_content_words_others_are_rivals_too() -> None:
    texts = (" asleep", "ened", ".", " awake", ",", "ing")
    rounds = [round_of(run_of(*texts, run_id=f"{number:016x}"), 7, texts.__getitem__) for number in range(50)]

    assert {token_id for round_ in rounds for token_id in round_.choices} == set(range(len(texts)))


@pytest.mark.parametrize("top_guess", [" the", "ed", ".", " an"])
def test_the_rivals_of_any_other_token_are_the_likeliest_of_all(top_guess: str) -> None:
    texts = (top_guess, *NOUNS)
    round_ = round_of(run_of(*texts), 7, texts.__getitem__)

    assert max(round_.choices) <= RIVALS + (texts.count(top_guess) - 1)


def sure_of(text: str, share: float, entropy: float) -> tuple[Step, TextOf]:
    texts = (text, " wine", " bread", " milk")
    others = (Candidate(place, 0.0, math.log(0.01), place + 1) for place in range(1, 4))
    top = Candidate(0, 1.0, math.log(share), 1)
    return Step(top, (top, *others), entropy), texts.__getitem__


@pytest.mark.parametrize(
    ("text", "share", "entropy", "good"),
    [
        (" tea", CONFIDENT + 0.01, UNSURE, True),
        (" tea", CONFIDENT - 0.01, UNSURE, False),
        (" tea", CONFIDENT + 0.01, UNSURE + 0.1, False),
        (" the", 0.9, 1.0, False),
        ("tea", 0.9, 1.0, False),
        ("\n", 0.9, 1.0, False),
    ],
)
def test_a_beginning_is_good_if_the_model_is_confident_of_a_content_word(
    text: str, share: float, entropy: float, good: bool
) -> None:
    assert is_good(*sure_of(text, share, entropy)) is good


def test_confidence_is_the_probability_of_a_content_word() -> None:
    assert confidence(*sure_of(" tea", 0.4, 2.0)) == pytest.approx(0.4)
    assert confidence(*sure_of(" the", 0.4, 2.0)) == 0
    assert confidence(step_of(" tea"), (" tea",).__getitem__) == -1


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
