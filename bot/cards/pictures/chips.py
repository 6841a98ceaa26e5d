"""Tokens as chips, in rows that break like lines of text: a part of several pictures. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from operator import attrgetter

from bot.cards.pictures.canvas import (
    INK,
    INNER,
    LEAST,
    LIGHT_COLOURS,
    RAISED,
    WHITE,
    Canvas,
    lettered,
    lettered_among,
    row_start,
    units,
)
from bot.cards.pictures.lettering import Line
from bot.cards.pictures.reading_order import Directed, reading_order, visual_pieces
from bot.text.escaping import clip_end

HEIGHT = 28
SIZE = 18  # of letters
BASELINE = 20  # from the top of a chip
PADDING = 8
RADIUS = 6
_GAP = 5
_CAPTION_HEIGHT = LEAST + 11
_CAPTION_BASELINE = LEAST + 4  # from the top of its cell
_LONGEST = 24  # characters


@dataclass(frozen=True, slots=True)
class Chip:
    """A token in its visible form on its ``colour``, with a ``caption`` in a cell below, if any."""

    text: str
    colour: str = LIGHT_COLOURS[0]
    caption: str = ""


@dataclass(frozen=True, slots=True)
class _Placed:
    """A chip's shaped lines; ``piece`` is its part in the reading order."""

    piece: Directed
    text: Line
    caption: Line
    colour: str
    width: float


@dataclass(frozen=True, slots=True)
class Flow:
    """Rows of chips, each from left to right, and how many chips of the beginning have no room."""

    rows: tuple[tuple[_Placed, ...], ...]
    from_right: bool
    left_out: int
    row_height: float

    @property
    def height(self) -> float:
        return len(self.rows) * (self.row_height + _GAP) - _GAP if self.rows else 0


def coloured(texts: Sequence[str], captions: Sequence[str] = ()) -> list[Chip]:
    """Make chips of which neighbours differ in colour."""
    below = captions or [""] * len(texts)
    return [
        Chip(text, colour, caption)
        for text, colour, caption in zip(texts, cycle(LIGHT_COLOURS), below, strict=False)
    ]


def flowing(chips: Sequence[Chip], *, most_rows: int) -> Flow:
    """Lay chips out in rows across the picture; of more than ``most_rows``, keep the last."""
    order = reading_order([clip_end(chip.text, _LONGEST) for chip in chips])
    rows: list[list[_Placed]] = []
    free = 0.0
    for number, chip in enumerate(chips):
        placed = _placed(chip, order.pieces, number)
        if not rows or placed.width > free:
            rows.append([])
            free = INNER
        rows[-1].append(placed)
        free -= placed.width + _GAP
    kept = rows[-most_rows:]
    below = _CAPTION_HEIGHT if any(chip.caption for chip in chips) else 0
    return Flow(
        tuple(tuple(visual_pieces(row, attrgetter("piece"))) for row in kept),
        order.from_right,
        len(chips) - sum(map(len, kept)),
        HEIGHT + below,
    )


def draw_flow(canvas: Canvas, flow: Flow, top: float) -> None:
    """Draw the rows from ``top`` down; those of a right-to-left text start at the right."""
    for row in flow.rows:
        left = row_start([one.width for one in row], _GAP, from_right=flow.from_right)
        for one in row:
            _draw(canvas, one, left, top, captioned=flow.row_height > HEIGHT)
            left += one.width + _GAP
        top += flow.row_height + _GAP


def draw_chip(canvas: Canvas, text: Line, left: float, top: float, colour: str) -> float:
    """Draw one chip, and return its right edge."""
    right = left + units(text) + 2 * PADDING
    canvas.fill((left, top, right, top + HEIGHT), colour, radius=RADIUS)
    canvas.write(text, (left + PADDING, top + BASELINE), INK)
    return right


def _draw(canvas: Canvas, one: _Placed, left: float, top: float, *, captioned: bool) -> None:
    right, bottom = left + one.width, top + HEIGHT
    canvas.fill((left, top, right, bottom), one.colour, radius=RADIUS)
    if captioned:  # a cell that hangs on the chip
        below = bottom + _CAPTION_HEIGHT
        canvas.fill((left, bottom - RADIUS, right, bottom), one.colour)
        canvas.fill((left, bottom, right, below), RAISED, radius=RADIUS)
        canvas.fill((left, bottom, right, bottom + RADIUS), RAISED)
        middle = (left + right) / 2
        cell, at = (left, bottom, right, below), (middle, bottom + _CAPTION_BASELINE)
        canvas.write(one.caption, at, WHITE, within=cell, align=0.5)
    start = max(left + (one.width - units(one.text)) / 2, left + PADDING / 2)
    canvas.write(one.text, (start, top + BASELINE), INK, within=(left, top, right, bottom))


def _placed(chip: Chip, pieces: Sequence[Directed], number: int) -> _Placed:
    text = lettered_among(pieces, number, SIZE)
    caption = lettered(chip.caption, LEAST)
    width = min(max(units(text), units(caption)) + 2 * PADDING, INNER)
    return _Placed(pieces[number], text, caption, chip.colour, width)
