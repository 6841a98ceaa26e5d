"""The picture of a text's tokens is always a small PNG with every box in its place."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageColor

from bot.cards.pictures import fonts
from bot.cards.pictures.tiles import LARGE, SMALL, Tile, draw_tiles, draw_tokens
from bot.text.tokenization import Encodings

UPPER_EDGE = 34  # a row of pixels inside the first row of boxes, above their texts
PURE = ("#ff0000", "#00ff00", "#0000ff", "#ffff00")


@pytest.fixture(scope="module")
def encodings() -> Encodings:
    return Encodings()


def picture_of(encodings: Encodings, text: str) -> Image.Image:
    return Image.open(io.BytesIO(draw_tokens(encodings.cut(text, "gpt2").pieces)))


def boxes_in(picture: Image.Image) -> int:
    """Count the boxes of the first row: stretches of colour along its upper edge."""
    row = [picture.convert("L").getpixel((x, UPPER_EDGE)) for x in range(picture.width)]
    bright = [isinstance(value, int) and value > 128 for value in row]
    return sum(1 for before, now in zip([False, *bright], bright, strict=False) if now and not before)


@pytest.mark.slow
def test_each_token_has_a_box(encodings: Encodings) -> None:
    assert boxes_in(picture_of(encodings, "Paris will be")) == 3


@pytest.mark.slow
def test_a_character_of_several_tokens_is_one_box(encodings: Encodings) -> None:
    assert boxes_in(picture_of(encodings, "文")) == 1


def test_the_same_text_gives_the_same_picture(encodings: Encodings) -> None:
    pieces = encodings.cut("London was one of 文 🙂", "gpt2").pieces

    assert draw_tokens(pieces) == draw_tokens(pieces)


@settings(max_examples=25)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_any_text_can_be_drawn(encodings: Encodings, text: str) -> None:
    picture = picture_of(encodings, text)

    assert picture.width == 1120
    assert picture.height < 1400


@settings(max_examples=25)
@given(st.text("aб12 \n(.\u0301\u0651\u200c\u200d\u202eשלוםمرحبا۱कि्षกำமொ각👩\ufe0f", max_size=300))
def test_any_mixture_of_scripts_can_be_drawn(encodings: Encodings, text: str) -> None:
    picture = picture_of(encodings, text)

    assert picture.width == 1120
    assert picture.height < 1400


@pytest.mark.parametrize("text", ["😀" * 3000, "W" * 6000, " " * 6000, "שלום " * 1200, "\u0301" * 6000])
def test_a_long_text_makes_a_picture_of_bounded_size(encodings: Encodings, text: str) -> None:
    png = draw_tokens(encodings.cut(text, "gpt2").pieces)

    assert len(png) < 500_000


def test_tiles_that_do_not_fit_large_are_drawn_small() -> None:
    tiles = [Tile("word", "1", "#a5e6ba")] * 150
    png = draw_tiles(tiles, (LARGE, SMALL))

    assert png == draw_tiles(tiles, (SMALL,))
    assert png != draw_tiles(tiles)
    assert draw_tiles(tiles[:20], (LARGE, SMALL)) == draw_tiles(tiles[:20])


@pytest.mark.slow
def test_a_whole_context_of_words_fits_small() -> None:
    tiles = [Tile("␣words", "12,345", "#a5e6ba")] * 1024

    # Twice as many take more room, so none of the first is left out.
    assert len({Image.open(io.BytesIO(draw_tiles(tiles * times, (SMALL,)))).height for times in (1, 2)}) == 2


def places(*texts: str) -> list[float]:
    """Return where the boxes of these tiles have their middles, as shares of the picture's width."""
    tiles = [Tile(text, "1", colour) for text, colour in zip(texts, PURE, strict=False)]
    picture = Image.open(io.BytesIO(draw_tiles(tiles))).convert("RGB")
    edge = [picture.getpixel((x, UPPER_EDGE)) for x in range(picture.width)]
    shares = []
    for tile in tiles:
        wanted = pytest.approx(ImageColor.getrgb(tile.colour), abs=30)
        columns = [x for x, found in enumerate(edge) if found == wanted]
        shares.append(sum(columns) / len(columns) / picture.width)
    return shares


def test_a_left_to_right_text_starts_at_the_left() -> None:
    first, second = places("one", "␣two")

    assert 0 < first < second < 0.2


def test_a_right_to_left_text_starts_at_the_right() -> None:
    first, second, third = places("שלום", "␣עולם", "!")

    assert 0.7 < third < second < first < 1


def test_right_to_left_words_are_reversed_within_a_sentence() -> None:
    say, first, second, now = places("say", "␣مرحبا", "␣بكم", "␣now")

    assert say < second < first < now


def test_ink_beyond_a_box_is_cut_off() -> None:
    tower = "Z" + "\u0335\u0321\u0301" * 8
    picture = Image.open(io.BytesIO(draw_tiles([Tile(tower, "1", "#a5e6ba")] * 40))).convert("RGB")
    gap_below_the_first_row = (0, 126, picture.width, 131)
    between = picture.crop(gap_below_the_first_row)

    assert between.getcolors() == [(between.width * between.height, picture.getpixel((0, 0)))]


def test_a_tile_has_its_own_colour() -> None:
    picture = Image.open(io.BytesIO(draw_tiles([Tile("a", "1", "#cdb4f6")]))).convert("RGB")

    assert picture.getpixel((60, 40)) == pytest.approx((0xCD, 0xB4, 0xF6), abs=4)


def test_loaded_fonts_are_not_read_again(encodings: Encodings, monkeypatch: pytest.MonkeyPatch) -> None:
    fonts.load()
    monkeypatch.setattr(fonts, "FONTS", None)

    assert picture_of(encodings, "one and the same 猫")
