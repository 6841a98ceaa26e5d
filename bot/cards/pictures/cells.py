"""A map of a long text: a small coloured cell for each of its tiles, line by line. Pure."""

from __future__ import annotations

import math
from collections.abc import Set
from dataclasses import dataclass

from bot.cards.pictures.canvas import INNER, MARGIN, WHITE, Box, Canvas

# Columns, and the height of a row, for up to so many cells; the last for any number.
_GRIDS = ((300, 28, 20), (640, 37, 16), (math.inf, 49, 13))
_GAP = 1.5


@dataclass(frozen=True, slots=True)
class Cells:
    """A cell of each colour; those at the ``marked`` places stand out."""

    colours: tuple[str, ...]
    marked: Set[int] = frozenset()
    from_right: bool = False

    @property
    def height(self) -> float:
        columns, row = self._grid
        return -(-len(self.colours) // columns) * row - _GAP

    def put(self, canvas: Canvas, top: float) -> None:
        for place, colour in enumerate(self.colours):
            canvas.fill(self._box(place, top), colour)
        for place in sorted(self.marked):  # over their neighbours
            left, upper, right, lower = self._box(place, top)
            canvas.outline((left - 2, upper - 2, right + 2, lower + 2), WHITE, radius=3, width=2)

    @property
    def _grid(self) -> tuple[int, float]:
        return next((columns, row) for most, columns, row in _GRIDS if len(self.colours) <= most)

    def _box(self, place: int, top: float) -> Box:
        columns, height = self._grid
        row, column = divmod(place, columns)
        pitch = INNER / columns
        left = MARGIN + (columns - 1 - column if self.from_right else column) * pitch
        return left, top + row * height, left + pitch - _GAP, top + (row + 1) * height - _GAP
