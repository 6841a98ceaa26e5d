"""The card of /surprise shows every token's rank, in colour and in plain text."""

from __future__ import annotations

from dataclasses import replace

import pytest
from discord import ui
from hypothesis import given
from hypothesis import strategies as st

from bot import cards
from bot.cards import Closing, SurpriseCard
from bot.cards.surprise import LISTING, PICTURE, listing
from bot.features.surprise import Reading, reading
from bot.model.protocol import Candidate, Step
from bot.tokenization import Encodings
from tests.cards import strategies
from tests.cards.limits import assert_within_limits, buttons_of, text_of

ENCODINGS = Encodings()
LONDON = (23421, 373, 530, 286, 262)  # London was one of the
LIKELIER = (Candidate(257, 3.0, -1.0, 1), Candidate(262, 2.0, -2.0, 2))


def read(*found: tuple[int, float]) -> Reading:
    steps = [
        Step(Candidate(id_, 1.0, logprob, rank), LIKELIER, 1.0)
        for id_, (rank, logprob) in zip(LONDON[1:], found, strict=True)
    ]
    return reading(LONDON, steps, ENCODINGS.token)


def described(read: Reading, *, private: bool = False) -> SurpriseCard:
    return cards.describe_surprise(read, model="gpt2-large", vocabulary=50_257, closing=Closing(815, private))


READ = read((1, -0.5), (12, -4.0), (20_000, -14.0), (2, -1.25))


@given(strategies.long_texts, st.lists(strategies.steps, min_size=1, max_size=40), strategies.closings)
def test_any_text_fits_in_a_message(text: str, steps: list[Step], closing: Closing) -> None:
    ids = ENCODINGS.encode("a " + text)[:1024]
    found = reading(ids, [steps[at % len(steps)] for at in range(len(ids) - 1)], ENCODINGS.token)
    content = cards.describe_surprise(found, model="m" * 300, vocabulary=50_257, closing=closing)

    assert_within_limits(cards.surprise(content))
    assert len(cards.surprise_tiles(found)) == len(found.parts())


def test_the_picture_shows_each_token_above_its_rank() -> None:
    tiles = cards.surprise_tiles(READ)

    assert [(tile.text, tile.caption) for tile in tiles] == [
        ("London", "–"),
        ("␣was", "1"),
        ("␣one", "12"),
        ("␣of", "20,000"),
        ("␣the", "2"),
    ]
    assert len({tile.colour for tile in tiles}) == 4


def test_the_picture_is_described() -> None:
    view = cards.surprise(described(READ))
    (gallery,) = (item for item in view.walk_children() if isinstance(item, ui.MediaGallery))
    (picture,) = gallery.items

    assert picture.media.url == f"attachment://{PICTURE}"
    assert picture.description == (
        "Each token with its rank: London – | ␣was 1 | ␣one 12 | ␣of 20,000 | ␣the 2"
    )


def test_the_colours_are_explained_and_counted() -> None:
    assert (
        "🟩 top 10 **2** (50 %) · 🟨 top 100 **1** (25 %) · 🟥 top 1,000 **0** (0 %) · 🟪 beyond **1** (25 %)"
    ) in text_of(cards.surprise(described(READ))).replace("\N{NO-BREAK SPACE}", " ")


def test_loss_and_perplexity_are_shown_with_their_meaning() -> None:
    text = text_of(cards.surprise(described(READ)))

    assert "(loss) **4.938 nats** a token" in text
    assert "perplexity **139.4**: on average as unsure as between so many" in text


def test_the_most_surprising_come_with_what_was_before_and_what_was_expected() -> None:
    text = text_of(cards.surprise(described(READ)))
    found = text.partition("**The most surprising tokens**\n")[2].splitlines()

    assert found[0] == "🟪 `London␣was␣one` **`␣of`** rank 20,000"
    assert found[1] == "-# 14.00 nats (< 0.0001 %) · expected instead: `␣a` 36.8 %, `␣the` 13.5 %"
    assert found[2].startswith("🟨 `London␣was` **`␣one`** rank 12")
    assert found[5] == "-# 1.25 nats (28.7 %) · expected instead: `␣a` 36.8 %"


def test_of_a_long_text_the_end_before_the_token_is_shown() -> None:
    ids = ENCODINGS.encode("one two three four five six seven eight nine ten eleven")
    steps = [Step(Candidate(id_, 1.0, -1.0, 1), (), 1.0) for id_ in ids[1:]]
    steps[-1] = replace(steps[-1], chosen=Candidate(ids[-1], 1.0, -9.0, 400))
    text = text_of(cards.surprise(described(reading(ids, steps, ENCODINGS.token))))

    assert "🟥 `…ix␣seven␣eight␣nine␣ten` **`␣eleven`**" in text


def test_a_text_without_surprises_is_said_to_be_so() -> None:
    text = text_of(cards.surprise(described(read(*[(1, -0.1)] * 4))))

    assert "Nothing in it is a surprise" in text


def test_a_huge_perplexity_is_no_long_number() -> None:
    text = text_of(cards.surprise(described(read(*[(9, -900.0)] * 4))))

    assert "perplexity **over 1,000,000**" in text


def test_the_file_lists_every_token_with_its_numbers() -> None:
    lines = listing(READ, "gpt2-large").splitlines()

    assert lines[0] == "5 tokens, read by gpt2-large"
    assert "Mean negative log-likelihood (loss): 4.937500 nats a token" in lines
    assert "Ranks: top 10: 2, top 100: 1, top 1,000: 0, beyond: 1" in lines
    assert lines[-5:] == [
        "     1       –            –                 –  London",
        "     2       1       60.7 %            0.5000  ␣was",
        "     3      12        1.8 %            4.0000  ␣one  ← ␣a 36.8 %, ␣the 13.5 %",
        "     4  20,000   < 0.0001 %           14.0000  ␣of  ← ␣a 36.8 %, ␣the 13.5 %",
        "     5       2       28.7 %            1.2500  ␣the  ← ␣a 36.8 %",
    ]


def test_the_file_is_attached() -> None:
    (file,) = (item for item in cards.surprise(described(READ)).walk_children() if isinstance(item, ui.File))

    assert file.media.url == f"attachment://{LISTING}"


@pytest.mark.parametrize(("private", "label"), [(True, "Share"), (False, "Delete")])
def test_it_can_be_shared_or_deleted(private: bool, label: str) -> None:
    assert list(buttons_of(cards.surprise(described(READ, private=private)))) == [label]
