"""The /surprise card shows every token's rank, in colour and in plain text."""

from __future__ import annotations

import math
import re

import pytest
from discord import ui
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot import cards
from bot.cards import Audience, SurpriseCard
from bot.cards.surprise import LISTING, PICTURE, listing
from bot.features.surprise import Reading, reading
from bot.model.protocol import Candidate, Step
from bot.text.tokenization import Encodings
from tests.support import strategies
from tests.support.limits import assert_within_limits, buttons_of, text_of

ENCODINGS = Encodings()
LONDON = (23421, 373, 530, 286, 262)  # London was one of the
LIKELIER = (Candidate(257, 3.0, -1.0, 1), Candidate(262, 2.0, -2.0, 2))


def read(*found: tuple[int, float], ids: tuple[int, ...] = LONDON) -> Reading:
    steps = [
        Step(Candidate(id_, 1.0, logprob, rank), LIKELIER, 1.0)
        for id_, (rank, logprob) in zip(ids[1:], found, strict=True)
    ]
    return reading(ids, steps, ENCODINGS.token)


def described(read: Reading, *, private: bool = False) -> SurpriseCard:
    return cards.describe_surprise(
        read, model="gpt2-large", vocabulary=50_257, audience=Audience(815, private)
    )


def shown(read: Reading) -> str:
    return text_of(cards.surprise(described(read))).replace("\N{NO-BREAK SPACE}", " ")


READ = read((1, -0.5), (12, -4.0), (20_000, -14.0), (2, -1.25))


@pytest.mark.slow
@given(strategies.long_texts, st.lists(strategies.steps, min_size=1, max_size=40), strategies.audiences)
def test_any_text_fits_in_a_message(text: str, steps: list[Step], audience: Audience) -> None:
    ids = ENCODINGS.encode("a " + text)[:1024]
    found = reading(ids, [steps[at % len(steps)] for at in range(len(ids) - 1)], ENCODINGS.token)
    content = cards.describe_surprise(found, model="m" * 300, vocabulary=50_257, audience=audience)

    assert_within_limits(cards.surprise(content))
    assert len(cards.surprise_tiles(found)) == len(found.parts())


def test_a_picture_that_lacks_a_character_points_to_the_file() -> None:
    ids = ENCODINGS.encode("a 𒀀")
    cuneiform = read(*[(1, -0.5)] * (len(ids) - 1), ids=ids)

    assert "U+… in the picture is a character its fonts don't have; see surprise.txt." in shown(cuneiform)
    assert listing(cuneiform, "m").splitlines()[-1].endswith("  \\x80 (part of 𒀀)")
    assert "fonts" not in shown(READ)


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
        "🟩 rank 1–10: **2** tokens (50 %) · 🟨 11–100: **1** · 🟥 101–1,000: **0** · 🟪 over 1,000: **1**"
    ) in shown(READ)
    assert "🟩 rank 1–10: **1** token (25 %)" in shown(read((1, -1.0), *[(99, -3.0)] * 3))


def test_the_signs_that_occur_are_explained() -> None:
    assert "1 is the model's top guess. ␣ is a space.\n" in shown(READ)
    lines = ENCODINGS.encode("a b\n\tc")
    assert "␣ is a space, ⏎ a line break, ⇥ a tab.\n" in shown(
        read(*[(1, -1.0)] * (len(lines) - 1), ids=lines)
    )
    windows = ENCODINGS.encode("a\r\nb")
    assert "⏎ is a line break, `\\x0D` a carriage return.\n" in shown(
        read(*[(1, -1.0)] * (len(windows) - 1), ids=windows)
    )
    words = ENCODINGS.encode("ab文")
    assert "␣ is a space, `\\xE2` a byte.\n" in shown(read(*[(9, -1.0)] * (len(words) - 1), ids=words))
    assert "1 is the model's top guess.\n" in shown(read((1, -1.0), ids=ENCODINGS.encode("a.")))


def test_loss_and_perplexity_are_shown_with_their_meaning() -> None:
    text = text_of(cards.surprise(described(READ)))

    assert "(loss) **4.938 nats** per token (7.12 bits)" in text
    assert "perplexity **139**, like choosing among **139** equal options each time." in text
    assert "each bit halves the probability (one coin flip = 1 bit)." in text


@pytest.mark.parametrize(
    ("perplexity", "figure"), [(12.34, "12.3"), (99.94, "99.9"), (99.96, "100"), (50_257, "50,257")]
)
def test_a_large_perplexity_has_no_decimals(perplexity: float, figure: str) -> None:
    text = shown(read(*[(9, -math.log(perplexity) + 1e-9)] * 4))

    assert f"perplexity **{figure}**, like choosing among **{figure}** equal options" in text


def test_a_perplexity_above_the_vocabulary_is_worse_than_guessing() -> None:
    text = shown(read(*[(9, -math.log(60_000))] * 4))

    assert "perplexity **60,000**, worse than a blind guess among all 50,257 tokens: the model has" in text
    assert "equal options" not in text


def test_the_biggest_surprises_come_with_the_text_before_and_the_model_s_guesses() -> None:
    text = text_of(cards.surprise(described(READ)))
    found = text.partition("**The biggest surprises**\n")[2].splitlines()

    assert found[0] == "🟪 `London␣was␣one` **`␣of`** rank 20,000"
    assert found[1] == "-# 20.2 bits (< 0.0001 %) · it expected: `␣a` 36.8 %, `␣the` 13.5 %"
    assert found[2].startswith("🟨 `London␣was` **`␣one`** rank 12")
    assert found[5] == "-# 1.8 bits (28.7 %) · it expected: `␣a` 36.8 %"


def test_the_first_character_has_no_text_before_it() -> None:
    text = shown(read((9, -2.0), (500, -12.0), ids=ENCODINGS.encode("文a")))

    assert "🟩 **`文`** (its token `\\x87`) at the very start · rank 9\n" in text
    assert "``" not in text


def test_right_to_left_text_does_not_move_what_is_beside_it() -> None:
    ids = ENCODINGS.encode("שלום")
    found = read(*[(12, -4.0)] * (len(ids) - 1), ids=ids)

    assert re.search("`\u2068[^`]+\u2069` \\*\\*`\u2068.\u2069`\\*\\* rank 12", shown(found))
    assert any("  \u2068ו\u2069  ← ␣a" in line for line in listing(found, "m").splitlines())


def test_only_the_end_of_a_long_text_is_shown_before_a_token() -> None:
    ids = ENCODINGS.encode("one two three four five six seven eight nine ten eleven")
    steps = [Step(Candidate(id_, 1.0, -1.0, 1), (), 1.0) for id_ in ids[1:]]
    steps[-1] = replace(steps[-1], chosen=Candidate(ids[-1], 1.0, -9.0, 400))
    text = text_of(cards.surprise(described(reading(ids, steps, ENCODINGS.token))))

    assert "🟥 `…ix␣seven␣eight␣nine␣ten` **`␣eleven`**" in text


def test_a_text_without_surprises_says_so() -> None:
    text = text_of(cards.surprise(described(read(*[(1, -0.1)] * 4))))

    assert "**No surprises:** every token was the model's top guess." in text


def test_a_huge_perplexity_is_not_spelled_out() -> None:
    text = text_of(cards.surprise(described(read(*[(9, -900.0)] * 4))))

    assert "perplexity **over 1,000,000**, worse than a blind guess" in text


def test_the_file_lists_every_token_with_its_numbers() -> None:
    lines = listing(READ, "gpt2-large").splitlines()

    assert lines[0] == "5 tokens, read by gpt2-large"
    assert "Mean negative log-likelihood (loss): 4.937500 nats per token (7.1233 bits)" in lines
    assert "Perplexity: 139" in lines
    assert "Ranks: 1–10: 2, 11–100: 1, 101–1,000: 0, over 1,000: 1" in lines
    assert "   no.    rank  probability  surprise in bits  token  ← it expected" in lines
    assert lines[-5:] == [
        "     1       –            –                 –  London",
        "     2       1       60.7 %            0.7213  ␣was",
        "     3      12        1.8 %            5.7708  ␣one  ← ␣a 36.8 %, ␣the 13.5 %",
        "     4  20,000   < 0.0001 %           20.1977  ␣of  ← ␣a 36.8 %, ␣the 13.5 %",
        "     5       2       28.7 %            1.8034  ␣the  ← ␣a 36.8 %",
    ]


def test_the_file_is_attached() -> None:
    (file,) = (item for item in cards.surprise(described(READ)).walk_children() if isinstance(item, ui.File))

    assert file.media.url == f"attachment://{LISTING}"


@pytest.mark.parametrize(("private", "label"), [(True, "Share"), (False, "Delete")])
def test_it_can_be_shared_or_deleted(private: bool, label: str) -> None:
    assert list(buttons_of(cards.surprise(described(READ, private=private)))) == [label]
