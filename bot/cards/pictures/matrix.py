"""A matrix with a row for each token of a text and a column for each token there is. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bot.cards.pictures.canvas import (
    BACKGROUND,
    FAINT,
    INNER,
    LEAST,
    LIGHT_COLOURS,
    MARGIN,
    RAISED,
    WHITE,
    WIDTH,
    Canvas,
    lettered,
    units,
)
from bot.cards.pictures.chips import HEIGHT, PADDING, SIZE, draw_chip

_LABEL = 116  # the widest chip
_CELLS = 24
_ROW = HEIGHT + LEAST + 16
_LINE = LEAST + 10
_BAND = HEIGHT
_BLUE, _YELLOW = LIGHT_COLOURS[:2]
_DIM = "#4a6372"


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """The row of scores after a token, its ``label``.

    ``highest`` says which score is the highest. ``lit`` are the columns of the highest scores, the
    highest one's first.
    """

    label: str
    highest: str
    lit: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """The last ``rows`` of a matrix of ``height`` rows, each of ``width`` scores; the last one chooses."""

    rows: tuple[MatrixRow, ...]
    height: int
    width: int

    @property
    def left_out(self) -> int:
        return self.height - len(self.rows)

    @property
    def size(self) -> str:
        rows = "1 row" if self.height == 1 else f"{self.height:,} rows"
        return f"{rows} × {self.width:,} = {self.height * self.width:,} scores"


def draw_matrix(matrix: Matrix) -> bytes:
    """Draw a PNG of the matrix, its last row in another colour.

    Cells stand for many columns each. A column's cell goes by the logarithm of its number: most
    tokens of ordinary texts are among the first thousands.
    """
    more = [f"… {matrix.left_out:,} rows before"] if matrix.left_out else []
    canvas = Canvas(2 * MARGIN + _LINE * (1 + len(more)) + _ROW * len(matrix.rows))
    labels = [lettered(row.label, SIZE, width=_LABEL - 2 * PADDING) for row in matrix.rows]
    start = MARGIN + max(map(units, labels)) + 2 * PADDING + 10
    canvas.write(lettered(matrix.size, LEAST, width=INNER), (MARGIN, MARGIN + 13), WHITE)
    top = float(MARGIN + _LINE)
    for note in more:
        canvas.write(lettered(note, LEAST, width=INNER), (MARGIN, top + 13), FAINT)
        top += _LINE
    for number, (row, label) in enumerate(zip(matrix.rows, labels, strict=True)):
        is_last = number == len(matrix.rows) - 1
        colour = _YELLOW if is_last else _BLUE
        draw_chip(canvas, label, MARGIN, top, colour)
        _draw_band(canvas, _cells(row.lit, matrix.width), colour, start, top)
        if is_last:
            canvas.outline(
                (start - 3, top - 3, WIDTH - MARGIN + 3, top + _BAND + 3), _YELLOW, radius=5, width=2
            )
        said = lettered(row.highest, LEAST, width=WIDTH - MARGIN - start)
        canvas.write(said, (start, top + _BAND + LEAST + 4), colour if is_last else FAINT)
        top += _ROW
    return canvas.png()


def _cells(lit: Sequence[int], columns: int) -> list[int]:
    """Return the cell of each column."""
    whole = math.log(max(2, columns))
    return [min(_CELLS - 1, int(_CELLS * math.log(1 + column) / whole)) for column in lit]


def _draw_band(canvas: Canvas, cells: Sequence[int], colour: str, left: float, top: float) -> None:
    width = (WIDTH - MARGIN - left) / _CELLS
    for cell in range(_CELLS):
        shown = colour if cells[:1] == [cell] else _DIM if cell in cells else RAISED
        start = left + cell * width
        canvas.fill((start, top, start + width, top + _BAND), BACKGROUND)
        canvas.fill((start + 1, top, start + width - 1, top + _BAND), shown, radius=2)
