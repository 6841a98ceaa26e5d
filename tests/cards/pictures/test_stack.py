"""Blocks beneath each other make one picture."""

import io

from PIL import Image

from bot.cards.pictures.canvas import INNER, MARGIN, SCALE, WIDTH, lettered, units
from bot.cards.pictures.cells import Cells
from bot.cards.pictures.legend import Legend
from bot.cards.pictures.stack import stacked

RED = Cells(("#ff0000",))
LEGEND = Legend("Surprise in bits:", (("#00ff00", "0–2"), ("#0000ff", "11 and up")))


def drawn(*blocks: Cells | Legend) -> Image.Image:
    return Image.open(io.BytesIO(stacked(blocks))).convert("RGB")


def test_a_picture_is_as_high_as_its_blocks_and_the_gaps_between_them() -> None:
    one, two = drawn(RED), drawn(RED, LEGEND)

    assert (one.width, one.height) == (WIDTH * SCALE, round((2 * MARGIN + RED.height) * SCALE))
    assert two.height == round((2 * MARGIN + RED.height + 14 + LEGEND.height) * SCALE)


def test_the_first_block_is_at_the_top() -> None:
    top = (MARGIN + 2) * SCALE
    first, second = drawn(RED, LEGEND), drawn(LEGEND, RED)

    assert first.getpixel((top, top)) != second.getpixel((top, top))


def test_a_legend_has_each_colour_once() -> None:
    found = {colour for _, colour in drawn(LEGEND).getcolors(1 << 24) or ()}

    assert {(0, 255, 0), (0, 0, 255)} <= found


def test_the_words_of_a_legend_fit_beside_each_other() -> None:
    words = ("Surprise in bits:", "0–2", "3–6", "7–10", "11 and up")

    assert sum(units(lettered(one, 13)) for one in words) + 4 * 31 <= INNER
