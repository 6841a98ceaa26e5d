"""A text that grows by one token a round: its first rounds, and what became of it. Pure."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

from bot.cards.pictures.canvas import (
    FAINT,
    INNER,
    LEAST,
    LIGHT_COLOURS,
    MARGIN,
    WHITE,
    WIDTH,
    Canvas,
    lettered,
    units,
)
from bot.cards.pictures.chips import BASELINE, PADDING, SIZE, Chip, draw_chip, draw_flow, flowing
from bot.cards.pictures.lettering import Line
from bot.cards.pictures.reading_order import reading_order

_ROW = 36
_HEAD = 32  # of the text in the end
_MOST_ROWS = 7
_TOKEN = INNER / 2 - 2 * PADDING  # the widest token of a round
_BLUE, _YELLOW = LIGHT_COLOURS[:2]
_GREY = "#c3c7d1"


@dataclass(frozen=True, slots=True)
class Growth:
    """``rounds`` have the end of the text before, in one line, and the token that was added.

    ``given`` and ``added`` are the tokens of the whole text; ``outcome`` is said above it.
    """

    rounds: tuple[tuple[str, str], ...]
    given: tuple[str, ...]
    added: tuple[str, ...]
    outcome: str


def draw_growth(growth: Growth) -> bytes:
    """Draw a PNG: a row for each of the first rounds, then the whole text in chips."""
    flow = flowing(
        [*(Chip(text, _GREY) for text in growth.given), *(Chip(text, _BLUE) for text in growth.added)],
        most_rows=_MOST_ROWS,
    )
    rounds = _ROW * len(growth.rounds)
    canvas = Canvas(2 * MARGIN + rounds + _HEAD + flow.height)
    top = float(MARGIN)
    for before, token in growth.rounds:
        _draw_round(canvas, before, token, top)
        top += _ROW
    canvas.write(lettered(growth.outcome, LEAST, width=INNER), (MARGIN, top + 18), FAINT)
    draw_flow(canvas, flow, top + _HEAD)
    return canvas.png()


def _draw_round(canvas: Canvas, before: str, token: str, top: float) -> None:
    added = lettered(token, SIZE, width=_TOKEN)
    chip = units(added) + 2 * PADDING
    text = _ending(before, INNER - chip - 6)
    if reading_order([before + token]).from_right:
        right = WIDTH - MARGIN
        canvas.write(text, (right, top + BASELINE), WHITE, align=1)
        draw_chip(canvas, added, right - units(text) - 6 - chip, top, _YELLOW)
    else:
        canvas.write(text, (MARGIN, top + BASELINE), WHITE)
        draw_chip(canvas, added, MARGIN + units(text) + 6, top, _YELLOW)


def _ending(text: str, width: float) -> Line:
    """Shape the end of ``text`` that fits into ``width`` units."""
    whole = lettered(text, SIZE)
    if units(whole) <= width:
        return whole
    start = bisect_left(
        range(len(text)), True, key=lambda left: units(lettered("…" + text[left:], SIZE)) <= width
    )
    return lettered("…" + text[start:], SIZE)
