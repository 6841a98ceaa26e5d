"""A scored text: ranks, loss, perplexity, and what the model expected."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.features.surprise import EXPECTED, Bucket, Level, Reading, reading, scoring
from bot.model.protocol import Candidate, Step
from bot.text.tokenization import Encodings
from tests.support.samples import step

ENCODINGS = Encodings()


def read(text: str, *found: tuple[int, float]) -> Reading:
    """Score ``text``; ``found`` has the rank and logprob of each token from the second on."""
    ids = ENCODINGS.encode(text)
    steps = [
        step(id_, rank=rank, logprob=logprob) for id_, (rank, logprob) in zip(ids[1:], found, strict=True)
    ]
    return reading(ids, steps, ENCODINGS.token)


@pytest.mark.parametrize(
    ("rank", "bucket"),
    [
        (1, Bucket.TOP_10),
        (10, Bucket.TOP_10),
        (11, Bucket.TOP_100),
        (100, Bucket.TOP_100),
        (101, Bucket.TOP_1000),
        (1_000, Bucket.TOP_1000),
        (1_001, Bucket.BEYOND),
        (50_257, Bucket.BEYOND),
    ],
)
def test_ranks_are_grouped_as_gltr_does(rank: int, bucket: Bucket) -> None:
    assert Bucket.of(rank) is bucket


@pytest.mark.parametrize(
    ("bits", "level"),
    [
        (0.0, Level.EXPECTED),
        (2.49, Level.EXPECTED),
        (2.51, Level.MILD),
        (6.4, Level.MILD),
        (6.6, Level.HIGH),
        (10.4, Level.HIGH),
        (10.6, Level.EXTREME),
        (900.0, Level.EXTREME),
    ],
)
def test_levels_go_by_whole_bits(bits: float, level: Level) -> None:
    assert Level.of(bits) is level


def test_a_text_is_scored_at_temperature_1() -> None:
    request = scoring("a", [23421, 373])

    assert request.scored
    assert request.prompt_ids == (23421, 373)
    assert (request.params.temperature, request.params.candidates) == (1.0, EXPECTED)


def test_the_loss_is_the_mean_surprise_and_the_perplexity_its_exponential() -> None:
    found = read("London was one", (3, -1.0), (7, -2.5))

    assert [scored.surprise for scored in found.scored] == [1.0, 2.5]
    assert [scored.bits for scored in found.scored] == [1.0 / math.log(2), 2.5 / math.log(2)]
    assert found.loss == 1.75
    assert found.perplexity == math.exp(1.75)


def test_a_perplexity_beyond_any_float_is_infinite() -> None:
    assert read("London was", (50_257, -1_000.0)).perplexity == math.inf


def test_every_token_but_the_first_is_in_a_bucket() -> None:
    found = read("London was one of the", (1, -0.1), (11, -4.0), (12, -4.0), (2_000, -9.0))

    assert found.buckets == {Bucket.TOP_10: 1, Bucket.TOP_100: 2, Bucket.TOP_1000: 0, Bucket.BEYOND: 1}


def test_only_more_likely_tokens_were_expected() -> None:
    chosen = Candidate(373, 1.0, -2.0, 2)
    best = Candidate(318, 2.0, -1.0, 1)
    (scored,) = reading([23421, 373], [Step(chosen, (best, chosen), 1.0)], ENCODINGS.token).scored

    assert [(one.token.visible, one.probability) for one in scored.expected] == [("␣is", math.exp(-1.0))]


def test_the_least_likely_tokens_are_the_most_surprising() -> None:
    found = read("London was one of the", (5, -3.0), (2, -1.0), (900, -8.0), (6, -3.0))

    assert [part.piece.visible for part, _ in found.most_surprising(3)] == ["␣of", "␣was", "␣the"]


def test_a_character_is_as_surprising_as_its_tokens_together() -> None:
    found = read("a 🙃 one", (2, -6.0), (3, -6.0), (4, -1.0), (9, -12.0))

    assert [part.piece.visible for part, _ in found.most_surprising(2)] == ["␣🙃", "␣one"]


def test_the_model_s_top_guess_is_never_a_surprise() -> None:
    assert read("London was one", (1, -3.0), (1, -2.0)).most_surprising(5) == []


def test_for_every_surprise_the_model_expected_something_else() -> None:
    found = read("London was one of", (1, -3.0), (2, -1.0), (1, -8.0))
    ((part, scored),) = found.most_surprising(5)

    assert part.piece.visible == "␣one"
    assert scored.rank == 2


def test_the_unexpected_token_of_a_character_is_its_surprise() -> None:
    found = read("a 🙃", (2, -1.0), (1, -3.0), (1, -2.0))
    ((_, scored),) = found.most_surprising(5)

    assert scored.rank == 2


def test_a_character_of_several_tokens_is_one_part_with_their_surprise_together() -> None:
    found = read("a 🙃", (9, -5.0), (2_000, -9.0), (3, -1.0))
    first, smile = found.parts()

    assert (first.scored, first.bits, first.level) == ((), 0.0, None)
    assert smile.piece.visible == "␣🙃"
    assert [scored.rank for scored in smile.scored] == [9, 2_000, 3]
    assert smile.bits == pytest.approx(15 / math.log(2))
    assert smile.level is Level.EXTREME
    assert found.most_surprising(5) == [(smile, smile.scored[1])]


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_the_parts_hold_every_token_once(text: str) -> None:
    ids = ENCODINGS.encode("a" + text)
    steps = [step(id_, rank=at) for at, id_ in enumerate(ids[1:], 1)]
    parts = reading(ids, steps, ENCODINGS.token).parts()

    assert [token.id for part in parts for token in part.piece.tokens] == list(ids)
    assert [scored.rank for part in parts for scored in part.scored] == list(range(1, len(ids)))
    assert [part.start for part in parts] == [
        sum(len(part.piece.tokens) for part in parts[:number]) for number in range(len(parts))
    ]
