"""A table of bars: a row for each, the longest bar first to the eye."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bot.cards.pictures.bars import Bar, alt_text, draw_bars
from bot.cards.pictures.canvas import LEAST, LIGHT_COLOURS, RAISED, SCALE, WIDTH
from bot.cards.pictures.chips import HEIGHT
from tests.support.drawing import drawn_by

PHONE = 295  # pixels that a picture has there

bars = st.builds(
    Bar,
    label=st.text(st.characters(exclude_categories=["Cs"]), max_size=200),
    length=st.none() | st.floats(0, 1),
    value=st.text(max_size=40),
    rank=st.sampled_from(["", "1", "50,257"]),
    note=st.text(max_size=60),
    mark=st.sampled_from(["", "chosen"]),
    is_plain=st.booleans(),
)


def drawn(*rows: Bar) -> Image.Image:
    return Image.open(io.BytesIO(draw_bars(rows))).convert("RGB")


def pixels_of(picture: Image.Image, colour: str) -> int:
    wanted = tuple(int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return sum(
        count for count, found in picture.getcolors(picture.width * picture.height) or () if found == wanted
    )


@settings(max_examples=40)
@given(st.lists(bars, max_size=10))
def test_any_rows_can_be_drawn(rows: list[Bar]) -> None:
    picture = drawn(*rows)

    assert picture.width == WIDTH * SCALE
    assert picture.height <= (28 + 46 * len(rows)) * SCALE


def test_the_smallest_letters_can_be_read_on_a_phone() -> None:
    assert LEAST * PHONE / WIDTH >= 11


def test_a_bar_is_as_long_as_its_share() -> None:
    whole, half, none = (
        pixels_of(drawn(Bar("x", length, "1", is_plain=True)), LIGHT_COLOURS[0]) for length in (1.0, 0.5, 0.0)
    )

    assert half == pytest.approx(whole / 2, rel=0.05)
    assert none == 0


def test_the_smallest_share_is_still_seen() -> None:
    assert pixels_of(drawn(Bar("x", 1e-9, "1", is_plain=True)), LIGHT_COLOURS[0]) > 0


def test_a_row_without_a_length_has_no_bar() -> None:
    assert pixels_of(drawn(Bar("everything else", None, "77 %", is_plain=True)), RAISED) == 0


def test_a_long_label_leaves_room_for_its_bar() -> None:
    picture = drawn(Bar("W" * 500, 1.0, "100 %", is_plain=True))

    assert pixels_of(picture, LIGHT_COLOURS[0]) > 50 * SCALE * 10 * SCALE


def test_a_bar_is_divided_into_its_parts_as_long_as_they_can_be_told_apart() -> None:
    def colours(parts: int) -> int:
        picture = drawn(Bar("x", 1.0, "1", is_plain=True, parts=parts))
        return sum(pixels_of(picture, colour) > 0 for colour in LIGHT_COLOURS)

    assert [colours(parts) for parts in (1, 2, 6, 40, 1_000)] == [1, 2, 6, 6, 1]


def test_a_token_has_the_chip_of_all_pictures() -> None:
    picture = drawn_by(lambda: draw_bars([Bar("␣the", 1.0, "7 %"), Bar("␣a", 1.0, "6 %", note="id 257")]))

    assert len(picture.widths(LIGHT_COLOURS[0], height=HEIGHT)) == 2
    assert min(picture.sizes) >= LEAST


def test_a_note_without_room_loses_its_last_parts() -> None:
    rows = [Bar("␣consideration", 1.0, "9 %", note="id 9110 · logit −12.73", mark="chosen")]

    assert "id 9110" in drawn_by(lambda: draw_bars(rows)).texts


def test_the_alt_text_says_what_the_picture_shows() -> None:
    rows = [
        Bar("␣the", 1.0, "7.3 %", rank="1", note="id 262", mark="chosen"),
        Bar("everything else", None, "92.7 %", is_plain=True),
    ]

    assert alt_text(rows) == "1. ␣the 7.3 %, id 262, chosen; everything else 92.7 %"


def test_a_label_without_a_bar_leaves_the_others_their_room() -> None:
    row = Bar("x", 1.0, "9 %")

    alone, beside = (
        pixels_of(drawn(row, *rest), LIGHT_COLOURS[0])
        for rest in ((), (Bar("everything else", None, "9 %", is_plain=True),))
    )

    assert beside == alone
