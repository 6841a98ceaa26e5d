"""Tiles of text drawn with Pillow. Pure: the same tiles always give the same PNG."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from operator import attrgetter

from PIL import Image, ImageDraw

from bot.cards.pictures.lettering import Line, ink, line, plain_line
from bot.cards.pictures.reading_order import Directed, ReadingOrder, reading_order, visual_pieces
from bot.text.escaping import clip_end
from bot.text.pieces import Piece

_SCALE = 2  # twice the size, to stay sharp on dense screens
_MARGIN = 14 * _SCALE
_NOTE_SIZE = 13 * _SCALE
_MAX_TILE_CHARACTERS = 26

_BACKGROUND = "#1f2127"
_INK = "#14161a"
_FAINT = "#a9adb8"
# Neighbours differ in hue and lightness, so boundaries show without colour vision too.
_COLOURS = ("#8ecae6", "#ffd166", "#a5e6ba", "#f4a9c4", "#cdb4f6", "#f9b384")


@dataclass(frozen=True, slots=True)
class Tile:
    """A text in a coloured box, above a smaller caption."""

    text: str
    caption: str
    colour: str


@dataclass(frozen=True, slots=True)
class Sizes:
    """Dimensions in pixels; ``text_top`` and ``caption_top`` are measured from a box's upper edge."""

    width: int
    gap: int
    padding: int
    box_height: int
    radius: int
    text: int
    text_top: int
    caption: int
    caption_top: int
    max_rows: int

    @property
    def row_width(self) -> int:
        return self.width - 2 * _MARGIN

    @property
    def room(self) -> int:
        """An upper bound on how many boxes fit, however narrow they are."""
        return self.max_rows * (self.row_width // (2 * self.padding + self.gap) + 1)


LARGE = Sizes(
    width=560 * _SCALE,
    gap=4 * _SCALE,
    padding=7 * _SCALE,
    box_height=48 * _SCALE,
    radius=6 * _SCALE,
    text=17 * _SCALE,
    text_top=6 * _SCALE,
    caption=11 * _SCALE,
    caption_top=30 * _SCALE,
    max_rows=12,
)
# For a long text, whose picture people open to read.
SMALL = Sizes(
    width=900 * _SCALE,
    gap=2 * _SCALE,
    padding=3 * _SCALE,
    box_height=29 * _SCALE,
    radius=3 * _SCALE,
    text=12 * _SCALE,
    text_top=2 * _SCALE,
    caption=8 * _SCALE,
    caption_top=17 * _SCALE,
    max_rows=80,
)


@dataclass(frozen=True, slots=True)
class _Box:
    """A tile's shaped lines; ``piece`` is its part in the reading order."""

    piece: Directed
    text: Line
    caption: Line
    colour: str
    width: int


@dataclass(frozen=True, slots=True)
class _Layout:
    """Rows of boxes, each from left to right, and how many tiles didn't fit."""

    rows: Sequence[Sequence[_Box]]
    from_right: bool
    left_out: int


def draw_tokens(pieces: Sequence[Piece]) -> bytes:
    """Draw a PNG of the pieces in reading order, each in a box above its token ids."""
    return draw_tiles(
        [
            Tile(piece.visible, " ".join(str(token.id) for token in piece.tokens), colour)
            for piece, colour in zip(pieces, cycle(_COLOURS), strict=False)
        ]
    )


def draw_tiles(tiles: Sequence[Tile], sizes: Sequence[Sizes] = (LARGE,)) -> bytes:
    """Draw a PNG of the tiles in reading order.

    It takes the first of the ``sizes`` at which all tiles fit, or draws as many as fit in the
    last. Rows of a right-to-left text start at the right.
    """
    room = max(size.room for size in sizes)
    order = reading_order([clip_end(tile.text, _MAX_TILE_CHARACTERS) for tile in tiles[:room]])
    for size in sizes:
        layout = _laid_out(tiles, order, size)
        if not layout.left_out:
            break
    return _png(_image(layout, size))


def _image(layout: _Layout, size: Sizes) -> Image.Image:
    rows = layout.rows
    height = 2 * _MARGIN + len(rows) * (size.box_height + size.gap) - size.gap
    if layout.left_out:
        height += 24 * _SCALE
    image = Image.new("RGB", (size.width, height), _BACKGROUND)
    top = _MARGIN
    for row in rows:
        left = _MARGIN
        if layout.from_right:
            left = size.width - _MARGIN - _width(row, size)
        for box in row:
            _draw_box(image, box, (left, top), size)
            left += box.width + size.gap
        top += size.box_height + size.gap
    if layout.left_out:
        note = plain_line(f"… and {layout.left_out:,} more", _NOTE_SIZE)
        _write(image, note, (_MARGIN, top + 4 * _SCALE + _NOTE_SIZE), _FAINT, (0, top, size.width, height))
    return image


def _width(row: Sequence[_Box], size: Sizes) -> int:
    return sum(box.width + size.gap for box in row) - size.gap


def _laid_out(tiles: Sequence[Tile], order: ReadingOrder, size: Sizes) -> _Layout:
    rows: list[list[_Box]] = [[]]
    free = size.row_width
    left_out = 0
    for number, tile in enumerate(tiles[: size.room]):
        box = _box(tile, order.pieces, number, size)
        if rows[-1] and box.width > free:
            if len(rows) == size.max_rows:
                left_out = len(tiles) - number
                break
            rows.append([])
            free = size.row_width
        rows[-1].append(box)
        free -= box.width + size.gap
    return _Layout([visual_pieces(row, attrgetter("piece")) for row in rows], order.from_right, left_out)


def _box(tile: Tile, pieces: Sequence[Directed], number: int, size: Sizes) -> _Box:
    before, after = pieces[max(0, number - 1) : number], pieces[number + 1 : number + 2]
    text = line(
        pieces[number],
        size.text,
        before="".join(piece.text for piece in before),
        after="".join(piece.text for piece in after),
    )
    caption = plain_line(clip_end(tile.caption, _MAX_TILE_CHARACTERS), size.caption)
    inner = max(text.width, caption.width)
    width = min(round(inner) + 2 * size.padding, size.row_width)
    return _Box(pieces[number], text, caption, tile.colour, width)


def _draw_box(image: Image.Image, box: _Box, corner: tuple[int, int], size: Sizes) -> None:
    left, top = corner
    edges = (left, top, left + box.width, top + size.box_height)
    ImageDraw.Draw(image).rounded_rectangle(edges, radius=size.radius, fill=box.colour)
    for written, height, offset in (
        (box.text, size.text, size.text_top),
        (box.caption, size.caption, size.caption_top),
    ):
        start = max(left + (box.width - written.width) / 2, left + size.padding / 2)
        _write(image, written, (round(start), top + offset + height), _INK, edges)


def _write(
    image: Image.Image, written: Line, start: tuple[int, int], colour: str, edges: tuple[int, int, int, int]
) -> None:
    """Draw a line from ``start`` on its baseline, clipped to the ``edges``."""
    drawn_line = ink(written)
    if drawn_line is None:
        return
    left, top = start[0] + drawn_line.left, start[1] - drawn_line.above
    right, bottom = left + drawn_line.mask.width, top + drawn_line.mask.height
    inner = (max(left, edges[0]), max(top, edges[1]), min(right, edges[2]), min(bottom, edges[3]))
    if inner[0] >= inner[2] or inner[1] >= inner[3]:
        return
    mask = drawn_line.mask.crop((inner[0] - left, inner[1] - top, inner[2] - left, inner[3] - top))
    image.paste(colour, inner, mask)


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    # Pillow's quickest way to a small file: 30 ms instead of 180 for the largest picture.
    image.quantize(colors=64, method=Image.Quantize.FASTOCTREE).save(buffer, format="PNG", compress_level=6)
    return buffer.getvalue()
