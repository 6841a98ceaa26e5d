"""Chips break into rows like a text, and start at the right where it does."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.cards.pictures.canvas import INNER, LIGHT_COLOURS, MARGIN, WIDTH, Canvas, lettered
from bot.cards.pictures.chips import HEIGHT, Chip, coloured, draw_chip, draw_flow, flowing
from tests.support.drawing import Drawn, drawn_by

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


def drawn(chips: list[Chip], *, most_rows: int = 9) -> Drawn:
    def draw() -> bytes:
        flow = flowing(chips, most_rows=most_rows)
        canvas = Canvas(2 * MARGIN + flow.height)
        draw_flow(canvas, flow, MARGIN)
        return canvas.png()

    return drawn_by(draw)


@settings(max_examples=50)
@given(st.lists(st.tuples(texts, texts), max_size=40), st.integers(1, 9))
def test_any_chips_stay_within_the_picture(pairs: list[tuple[str, str]], most_rows: int) -> None:
    chips = coloured([text for text, _ in pairs], [caption for _, caption in pairs])
    flow = flowing(chips, most_rows=most_rows)
    boxes = [box for box, _ in drawn(chips, most_rows=most_rows).filled]

    assert len(flow.rows) <= most_rows
    assert sum(map(len, flow.rows)) + flow.left_out == len(chips)
    assert all(left >= MARGIN - 0.01 and right <= WIDTH - MARGIN + 0.01 for left, _, right, _ in boxes)
    assert all(bottom <= MARGIN + flow.height + 0.01 for *_, bottom in boxes)


def test_neighbours_differ_in_colour() -> None:
    colours = [chip.colour for chip in coloured(["a"] * 20)]

    assert all(one != other for one, other in pairwise(colours))
    assert set(colours) == set(LIGHT_COLOURS)


def test_rows_break_where_the_next_chip_has_no_room() -> None:
    flow = flowing(coloured(["␣notwithstanding"] * 5), most_rows=9)

    assert [len(row) for row in flow.rows] == [2, 2, 1]
    assert flow.left_out == 0
    assert all(sum(one.width for one in row) <= INNER for row in flow.rows)


def test_of_too_many_rows_the_last_ones_are_kept() -> None:
    chips = coloured([f"␣number␣{number}␣of␣these" for number in range(9)])

    assert drawn(chips, most_rows=2).texts == [chip.text for chip in chips[-2:]]
    assert flowing(chips, most_rows=2).left_out == 7


def test_a_row_of_a_text_from_the_right_starts_at_the_right() -> None:
    (first, _), (second, _) = drawn(coloured(["שלום", "␣לכם"])).filled
    (latin, _), *_ = drawn(coloured(["peace"])).filled

    # Drawn from left to right: the second token, then the first at the margin.
    assert second[2] == pytest.approx(WIDTH - MARGIN)
    assert first[2] < second[0]
    assert latin[0] == MARGIN


def test_a_caption_has_a_cell_below_its_chip() -> None:
    alone, captioned = flowing(coloured(["a"]), most_rows=1), flowing(coloured(["a"], ["64"]), most_rows=1)

    assert alone.height == HEIGHT
    assert captioned.height > HEIGHT + 13
    assert drawn(coloured(["a"], ["64"])).texts == ["64", "a"]


def test_a_long_token_is_cut_off_with_a_sign() -> None:
    assert drawn([Chip("x" * 100)]).texts == ["x" * 23 + "…"]


def test_a_chip_ends_where_it_says() -> None:
    canvas = Canvas(60)
    end = draw_chip(canvas, lettered("word", 17), 20, 10, LIGHT_COLOURS[0])
    (box, _), *_ = drawn_by(
        lambda: bytes(int(draw_chip(canvas, lettered("word", 17), 20, 10, "#ffffff")))
    ).filled

    assert box == (20, 10, end, 10 + HEIGHT)
