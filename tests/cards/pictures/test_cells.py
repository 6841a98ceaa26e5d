"""A map of a text: a cell for each tile, however many there are."""

import io

import pytest
from PIL import Image, ImageColor

from bot.cards.pictures.canvas import SCALE, WHITE
from bot.cards.pictures.cells import Cells
from bot.cards.pictures.stack import stacked

RED, BLUE = "#ff0000", "#0000ff"


def picture_of(cells: Cells) -> Image.Image:
    return Image.open(io.BytesIO(stacked([cells]))).convert("RGB")


def columns_of(picture: Image.Image, colour: str) -> list[int]:
    wanted = ImageColor.getrgb(colour)
    row = picture.width * 3
    pixels = picture.tobytes()
    starts = (pixels[at : at + 3] == bytes(wanted) for at in range(0, len(pixels), 3))
    return [place * 3 % row // 3 for place, is_found in enumerate(starts) if is_found]


@pytest.mark.parametrize("number", [1, 28, 29, 300, 301, 640, 641, 1_024])
def test_a_whole_context_fits(number: int) -> None:
    assert 0 < Cells((RED,) * number).height <= 290


def test_fewer_cells_are_larger() -> None:
    few, many = (len(columns_of(picture_of(Cells((RED,) + (BLUE,) * rest)), RED)) for rest in (9, 1_000))

    assert few > 2 * many


def test_every_cell_is_drawn() -> None:
    one, all_ = (len(columns_of(picture_of(Cells((RED,) * number)), RED)) for number in (1, 50))

    assert all_ == pytest.approx(50 * one, rel=0.1)  # in whole pixels


def test_a_right_to_left_text_starts_at_the_right() -> None:
    left, right = (
        columns_of(picture_of(Cells((RED, BLUE), from_right=from_right)), RED) for from_right in (False, True)
    )

    assert max(left) < 40 * SCALE
    assert min(right) > 380 * SCALE


def test_a_marked_cell_stands_out() -> None:
    colours = (RED,) * 100

    assert columns_of(picture_of(Cells(colours)), WHITE) == []
    assert len(columns_of(picture_of(Cells(colours, frozenset({50}))), WHITE)) > 100
