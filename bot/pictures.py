"""Pictures drawn with Pillow. Pure: the same tokens always give the same PNG."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import cycle
from pathlib import Path

from fontTools.ttLib import TTFont
from PIL import Image, ImageDraw, ImageFont

from bot.text import clip_end
from bot.tokenization import Piece

FONTS = Path(__file__).parent / "data" / "fonts"
# In order of preference: letters, then emoji, then Chinese, Japanese and Korean.
_FACES = ("DejaVuSans.ttf", "NotoEmoji.ttf", "DroidSansFallbackFull.ttf")

_SCALE = 2  # drawn at twice the size, so that it stays sharp on dense screens
_MARGIN = 14 * _SCALE
_NOTE_SIZE = 13 * _SCALE
_MAX_TILE_CHARACTERS = 26

_BACKGROUND = "#1f2127"
_INK = "#14161a"
_FAINT = "#a9adb8"
# Neighbours differ in hue and in lightness, so the cut shows without colour too.
_COLOURS = ("#8ecae6", "#ffd166", "#a5e6ba", "#f4a9c4", "#cdb4f6", "#f9b384")


@dataclass(frozen=True, slots=True)
class Tile:
    """A text in a box of a colour, above a smaller caption."""

    text: str
    caption: str
    colour: str


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large everything is, in pixels; a box's texts are so far below its upper edge."""

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
# For a long text, whose picture is to be opened.
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
    tile: Tile
    width: int


def token_cut(pieces: Sequence[Piece]) -> bytes:
    """A PNG of the pieces in reading order, each in a box above its token ids."""
    return drawn(
        [
            Tile(piece.visible, " ".join(str(token.id) for token in piece.tokens), colour)
            for piece, colour in zip(pieces, cycle(_COLOURS), strict=False)
        ]
    )


def drawn(tiles: Sequence[Tile], sizes: Sequence[Sizes] = (LARGE,)) -> bytes:
    """A PNG of the tiles in reading order: in the first of the ``sizes`` at which all of
    them fit, else as many as fit in the last."""
    for size in sizes:
        rows, left_out = _rows(tiles, size)
        if not left_out:
            break
    return _png(_image(rows, left_out, size))


def _image(rows: Sequence[Sequence[_Box]], left_out: int, size: Sizes) -> Image.Image:
    height = 2 * _MARGIN + len(rows) * (size.box_height + size.gap) - size.gap
    if left_out:
        height += 24 * _SCALE
    image = Image.new("RGB", (size.width, height), _BACKGROUND)
    draw = ImageDraw.Draw(image)
    top = _MARGIN
    for row in rows:
        left = _MARGIN
        for box in row:
            _draw_box(draw, box, (left, top), size)
            left += box.width + size.gap
        top += size.box_height + size.gap
    if left_out:
        _write(draw, (_MARGIN, top + 4 * _SCALE), f"… and {left_out:,} more", _NOTE_SIZE, _FAINT)
    return image


def _rows(tiles: Sequence[Tile], size: Sizes) -> tuple[list[list[_Box]], int]:
    """Boxes broken into rows that fit the width, and how many tiles did not fit."""
    rows: list[list[_Box]] = [[]]
    free = size.row_width
    for number, tile in enumerate(tiles):
        box = _box(tile, size)
        if rows[-1] and box.width > free:
            if len(rows) == size.max_rows:
                return rows, len(tiles) - number
            rows.append([])
            free = size.row_width
        rows[-1].append(box)
        free -= box.width + size.gap
    return rows, 0


def _box(tile: Tile, size: Sizes) -> _Box:
    text, caption = (clip_end(part, _MAX_TILE_CHARACTERS) for part in (tile.text, tile.caption))
    inner = max(_length(text, size.text), _length(caption, size.caption))
    width = min(round(inner) + 2 * size.padding, size.row_width)
    return _Box(Tile(text, caption, tile.colour), width)


def _draw_box(draw: ImageDraw.ImageDraw, box: _Box, corner: tuple[int, int], size: Sizes) -> None:
    left, top = corner
    edges = (left, top, left + box.width, top + size.box_height)
    draw.rounded_rectangle(edges, radius=size.radius, fill=box.tile.colour)
    for text, height, offset in (
        (box.tile.text, size.text, size.text_top),
        (box.tile.caption, size.caption, size.caption_top),
    ):
        start = left + (box.width - _length(text, height)) / 2
        _write(draw, (max(start, left + size.padding / 2), top + offset), text, height, _INK)


def _write(draw: ImageDraw.ImageDraw, start: tuple[float, float], text: str, size: int, ink: str) -> None:
    left, top = start
    for run, face in _runs(text):
        font = _font(face, size)
        draw.text((left, top + size), run, fill=ink, font=font, anchor="ls")
        left += font.getlength(run)


def _length(text: str, size: int) -> float:
    return sum(_font(face, size).getlength(run) for run, face in _runs(text))


def _runs(text: str) -> Iterator[tuple[str, str]]:
    """``text`` in stretches that one font has; a character none has shows as U+XXXX."""
    run, current = "", _FACES[0]
    for character in text:
        face = next((face for face in _FACES if ord(character) in _coverage(face)), None)
        shown = character if face else f"U+{ord(character):04X}"
        if run and face not in (current, None):
            yield run, current
            run = ""
        current = face or (current if run else _FACES[0])
        run += shown
    if run:
        yield run, current


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    # The quickest of Pillow's ways to a small file: 30 ms instead of 180 for the largest.
    image.quantize(colors=64, method=Image.Quantize.FASTOCTREE).save(buffer, format="PNG", compress_level=6)
    return buffer.getvalue()


def load() -> None:
    """Read the fonts, so that no picture has to wait for them."""
    for face in _FACES:
        _coverage(face)


@cache
def _coverage(face: str) -> frozenset[int]:
    """The code points a font file has a glyph for."""
    with TTFont(FONTS / face, lazy=True) as font:
        return frozenset(font.getBestCmap())


@cache
def _font(face: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONTS / face, size, layout_engine=ImageFont.Layout.BASIC)
