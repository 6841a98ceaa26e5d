"""The /tokens card shows every token, in colour and in plain text."""

import pytest
from discord import ui
from hypothesis import given

from bot import cards
from bot.cards import Audience, TokensCard
from bot.cards.tokens import LISTING, PICTURE, listing
from bot.text.tokenization import Encodings
from tests.support import strategies
from tests.support.limits import assert_within_limits, text_of

CLOSING = Audience(owner=1, private=True)


@pytest.fixture(scope="module")
def encodings() -> Encodings:
    return Encodings()


def content_of(encodings: Encodings, text: str, *, decoded: str | None = None) -> TokensCard:
    return cards.describe_tokens(
        encodings.cut(text, "gpt2"), encodings.counts(text), len(text), audience=CLOSING, decoded=decoded
    )


@pytest.mark.slow
@given(strategies.long_texts.filter(bool))
def test_any_text_fits_in_a_message(encodings: Encodings, text: str) -> None:
    assert_within_limits(cards.tokens(content_of(encodings, text, decoded=text)))


def test_tokens_and_ids_are_in_plain_text(encodings: Encodings) -> None:
    text = text_of(cards.tokens(content_of(encodings, "Paris will")))

    assert "2 tokens in gpt2" in text
    assert "40313  Paris\n  481  ␣will" in text
    assert "[40313, 481]" in text


def test_the_token_counts_of_all_encodings_are_compared(encodings: Encodings) -> None:
    text = text_of(cards.tokens(content_of(encodings, "paris")))

    assert "gpt2 (GPT-2, GPT-3) **2** · cl100k_base (GPT-3.5, GPT-4) **2** · o200k_base" in text


def test_tokens_of_one_character_share_a_line_with_its_bytes(encodings: Encodings) -> None:
    assert listing(encodings.cut("文", "gpt2")) == "23877   229  文  ← E6 96 | 87"


def test_a_right_to_left_piece_does_not_move_its_ids(encodings: Encodings) -> None:
    lines = listing(encodings.cut("של b", "gpt2")).splitlines()

    assert lines == ["50227  \u2068ש\u2069", "40010  \u2068ל\u2069", "  275  ␣b"]


def test_the_picture_is_described(encodings: Encodings) -> None:
    view = cards.tokens(content_of(encodings, "Paris will"))
    (gallery,) = (item for item in view.walk_children() if isinstance(item, ui.MediaGallery))
    (picture,) = gallery.items

    assert picture.media.url == f"attachment://{PICTURE}"
    assert picture.description == "The text split into 2 tokens: Paris | ␣will"


@pytest.mark.parametrize("text", ["Paris", "שלום مرحبا नमस्ते สวัสดี வணக்கம் 한국어 你好 🦊", "a\u200cb\x00"])
def test_a_picture_that_shows_everything_needs_no_hint(encodings: Encodings, text: str) -> None:
    assert "fonts" not in text_of(cards.tokens(content_of(encodings, text)))


def test_a_picture_that_lacks_a_character_points_to_the_list(encodings: Encodings) -> None:
    text = text_of(cards.tokens(content_of(encodings, "a 𒀀")))

    assert "U+… in the picture is a character its fonts don't have; see the list below it." in text
    assert "𒀀  ← F0" in text


def test_a_long_table_is_attached(encodings: Encodings) -> None:
    content = content_of(encodings, "a long text " * 200)
    view = cards.tokens(content)

    assert content.needs_listing
    assert f"all in {LISTING}" in text_of(view)
    assert any(isinstance(item, ui.File) for item in view.walk_children())
