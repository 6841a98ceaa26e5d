"""A text in coloured boxes, in rows as it reads. Pure: the same tiles always look the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import attrgetter

from bot.cards.pictures.canvas import (
    BACKGROUND,
    FAINT,
    INK,
    INNER,
    LEAST,
    MARGIN,
    WHITE,
    Box,
    Canvas,
    lettered,
    lettered_among,
    row_start,
    units,
)
from bot.cards.pictures.lettering import Line
from bot.cards.pictures.reading_order import Directed, reading_order, visual_pieces
from bot.text.escaping import clip_end

_LONGEST = 26  # characters of a tile
MOST_CAPTIONS = 4
_CELL_PADDING = 4  # on each side of one of several captions
_RADIUS = 5
_NOTE = LEAST + 11
_NOTCH = 5
# A passage: the tile in question has more before it than after it.
_BEFORE, _AFTER = 10, 6
_SHARE_BEFORE = 0.65


@dataclass(frozen=True, slots=True)
class Tile:
    """A text in a box of ``colour``; beneath it a caption for each of its tokens, or one for all."""

    text: str
    captions: tuple[str, ...]
    colour: str
    is_marked: bool = False


@dataclass(frozen=True, slots=True)
class Style:
    """How tiles look, in units; ``text`` and ``caption`` are baselines from a tile's upper edge."""

    height: float
    size: float
    text: float
    caption: float | None
    padding: float
    gap: float


CAPTIONED = Style(height=LEAST + 31, size=18, text=20, caption=LEAST + 24, padding=7, gap=4)
# For a longer text: no captions, and a notch between the tokens of one character.
COMPACT = Style(height=26, size=LEAST, text=18, caption=None, padding=5, gap=3)


@dataclass(frozen=True, slots=True)
class _Shaped:
    """A tile's shaped lines; ``piece`` is its part in the reading order, ``parts`` its tokens."""

    tile: Tile
    piece: Directed
    text: Line
    captions: tuple[Line, ...]
    parts: int
    width: float


@dataclass(frozen=True, slots=True)
class Rows:
    """Tiles laid out, each row from left to right; ``left_out`` didn't fit."""

    rows: tuple[tuple[_Shaped, ...], ...]
    from_right: bool
    left_out: int
    style: Style

    @property
    def height(self) -> float:
        rows = len(self.rows) * (self.style.height + self.style.gap) - self.style.gap
        return rows + (_NOTE if self.left_out else 0)

    def put(self, canvas: Canvas, top: float) -> None:
        """Draw the rows; those of a right-to-left text start at the right."""
        style = self.style
        for row in self.rows:
            left = row_start([shaped.width for shaped in row], style.gap, from_right=self.from_right)
            for shaped in row:
                _draw(canvas, shaped, (left, top, left + shaped.width, top + style.height), style)
                left += shaped.width + style.gap
            top += style.height + style.gap
        if self.left_out:
            note = lettered(f"… and {self.left_out:,} more", LEAST)
            canvas.write(note, (MARGIN, top + _NOTE - style.gap - 4), FAINT)


def rows_of(tiles: Sequence[Tile], style: Style, most: int) -> Rows:
    """Lay out the tiles in reading order, in at most ``most`` rows."""
    room = most * int(INNER // (2 * style.padding + style.gap) + 1)
    order = reading_order([clip_end(tile.text, _LONGEST) for tile in tiles[:room]])
    rows: list[list[_Shaped]] = [[]]
    free: float = INNER
    left_out = max(0, len(tiles) - room)
    for number, tile in enumerate(tiles[:room]):
        shaped = _shaped(tile, order.pieces, number, style)
        if rows[-1] and shaped.width > free:
            if len(rows) == most:
                left_out = len(tiles) - number
                break
            rows.append([])
            free = INNER
        rows[-1].append(shaped)
        free -= shaped.width + style.gap
    return Rows(tuple(map(_from_left, rows)), order.from_right, left_out, style)


def fitted(tiles: Sequence[Tile], *, captioned: int, compact: int) -> Rows:
    """Lay out the tiles with captions if they fit in so many rows, otherwise compactly."""
    rows = rows_of(tiles, CAPTIONED, captioned)
    return rows_of(tiles, COMPACT, compact) if rows.left_out else rows


def passages(tiles: Sequence[Tile], places: Sequence[int]) -> list[Rows]:
    """Lay out the tiles around each of the ``places`` in one row, unless an earlier row shows them."""
    rows: list[Rows] = []
    shown: set[int] = set()
    for place in places:
        if place not in shown:
            row, span = _passage(tiles, place)
            rows.append(row)
            shown.update(span)
    return rows


def _passage(tiles: Sequence[Tile], place: int) -> tuple[Rows, range]:
    first = max(0, place - _BEFORE)
    near = tiles[first : place + _AFTER + 1]
    order = reading_order([clip_end(tile.text, _LONGEST) for tile in near])
    shaped = [_shaped(tile, order.pieces, number, CAPTIONED) for number, tile in enumerate(near)]
    ends = [0.0, *accumulate(one.width + CAPTIONED.gap for one in shaped)]
    start = end = place - first
    end += 1
    for room, is_before in ((INNER * _SHARE_BEFORE, True), (INNER, False), (INNER, True)):
        if is_before:
            while start and ends[end] - ends[start - 1] - CAPTIONED.gap <= room:
                start -= 1
        else:
            while end < len(near) and ends[end + 1] - ends[start] - CAPTIONED.gap <= room:
                end += 1
    row = Rows((_from_left(shaped[start:end]),), order.from_right, 0, CAPTIONED)
    return row, range(first + start, first + end)


def _from_left(row: Sequence[_Shaped]) -> tuple[_Shaped, ...]:
    return tuple(visual_pieces(row, attrgetter("piece")))


def _shaped(tile: Tile, pieces: Sequence[Directed], number: int, style: Style) -> _Shaped:
    text = lettered_among(pieces, number, style.size)
    captions = _captions(tile) if style.caption is not None else ()
    below = sum(map(units, captions)) + 2 * _CELL_PADDING * (len(captions) - 1)
    parts = len(tile.captions)
    width = min(max(units(text), below, parts * _NOTCH) + 2 * style.padding, INNER)
    return _Shaped(tile, pieces[number], text, captions, parts, width)


def _captions(tile: Tile) -> tuple[Line, ...]:
    captions = tile.captions
    if len(captions) > MOST_CAPTIONS:
        captions = (f"{len(captions)} tokens",)
    return tuple(lettered(caption, LEAST, width=INNER / MOST_CAPTIONS) for caption in captions)


def _draw(canvas: Canvas, shaped: _Shaped, box: Box, style: Style) -> None:
    left, top, right, _ = box
    canvas.fill(box, shaped.tile.colour, radius=_RADIUS)
    inner = (left + 2, top, right - 2, box[3])
    start = max((left + right - units(shaped.text)) / 2, left + style.padding / 2)
    canvas.write(shaped.text, (start, top + style.text), INK, within=inner)
    if style.caption is None:
        _notch(canvas, box, [number / shaped.parts for number in range(1, shaped.parts)], _NOTCH)
    else:
        _write_captions(canvas, shaped, box, top + style.caption)
    if shaped.tile.is_marked:
        canvas.outline((left - 2, top - 2, right + 2, box[3] + 2), WHITE, radius=_RADIUS + 2, width=2)


def _write_captions(canvas: Canvas, shaped: _Shaped, box: Box, baseline: float) -> None:
    """Write each token's caption in a cell of its own."""
    left, _, right, bottom = box
    widths = [units(caption) + 2 * _CELL_PADDING for caption in shaped.captions]
    spare = (right - left - sum(widths)) / max(1, len(widths))
    edges = [0.0, *accumulate(width + spare for width in widths)]
    for caption, start, end in zip(shaped.captions, edges, edges[1:], strict=False):
        canvas.write(caption, (left + (start + end) / 2, baseline), INK, within=box, align=0.5)
    _notch(canvas, box, [edge / (right - left) for edge in edges[1:-1]], bottom - baseline + LEAST)


def _notch(canvas: Canvas, box: Box, places: Sequence[float], depth: float) -> None:
    """Cut a tile from below at ``places``, which are shares of its width."""
    left, _, right, bottom = box
    for place in places:
        x = left + place * (right - left)
        canvas.fill((x - 0.75, bottom - depth, x + 0.75, bottom), BACKGROUND)
