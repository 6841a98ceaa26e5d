"""The picture of a cut: always a small PNG, and every box where it belongs."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bot import pictures
from bot.pictures import LARGE, SMALL, Tile, drawn, token_cut
from bot.tokenization import Encodings


@pytest.fixture(scope="module")
def encodings() -> Encodings:
    return Encodings()


def picture_of(encodings: Encodings, text: str) -> Image.Image:
    return Image.open(io.BytesIO(token_cut(encodings.cut(text, "gpt2").pieces)))


def boxes_in(picture: Image.Image) -> int:
    """How many boxes a row shows: stretches of colour along its upper edge."""
    row = [picture.convert("L").getpixel((x, 34)) for x in range(picture.width)]
    bright = [isinstance(value, int) and value > 128 for value in row]
    return sum(1 for before, now in zip([False, *bright], bright, strict=False) if now and not before)


def test_one_box_a_token(encodings: Encodings) -> None:
    assert boxes_in(picture_of(encodings, "Paris will be")) == 3


def test_a_character_of_several_tokens_is_one_box(encodings: Encodings) -> None:
    assert boxes_in(picture_of(encodings, "文")) == 1


def test_the_same_text_gives_the_same_picture(encodings: Encodings) -> None:
    pieces = encodings.cut("London was one of 文 🙂", "gpt2").pieces

    assert token_cut(pieces) == token_cut(pieces)


@settings(max_examples=25)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_any_text_can_be_drawn(encodings: Encodings, text: str) -> None:
    picture = picture_of(encodings, text)

    assert picture.width == 1120
    assert picture.height < 1400


@pytest.mark.parametrize("text", ["😀" * 3000, "W" * 6000, " " * 6000])
def test_a_long_text_makes_a_picture_of_bounded_size(encodings: Encodings, text: str) -> None:
    png = token_cut(encodings.cut(text, "gpt2").pieces)

    assert len(png) < 500_000


def test_what_does_not_fit_large_is_drawn_small() -> None:
    tiles = [Tile("word", "1", "#a5e6ba")] * 150
    png = drawn(tiles, (LARGE, SMALL))

    assert png == drawn(tiles, (SMALL,))
    assert png != drawn(tiles)
    assert drawn(tiles[:20], (LARGE, SMALL)) == drawn(tiles[:20])


def test_a_whole_context_of_words_fits_small() -> None:
    tiles = [Tile("␣words", "12,345", "#a5e6ba")] * 1024

    # A tile more takes more room, so none is left out.
    assert len({Image.open(io.BytesIO(drawn(tiles * times, (SMALL,)))).height for times in (1, 2)}) == 2


def test_a_tile_has_its_own_colour() -> None:
    picture = Image.open(io.BytesIO(drawn([Tile("a", "1", "#cdb4f6")]))).convert("RGB")

    assert picture.getpixel((60, 40)) == pytest.approx((0xCD, 0xB4, 0xF6), abs=4)


def test_what_was_loaded_is_read_once(encodings: Encodings, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures.load()
    monkeypatch.setattr(pictures, "TTFont", None)

    assert picture_of(encodings, "one and the same 猫")
