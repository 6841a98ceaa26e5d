"""Pictures drawn with Pillow. Pure: the same tokens always give the same PNG."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fontTools.ttLib import TTFont
from PIL import Image, ImageDraw, ImageFont

from bot.text import clip_end
from bot.tokenization import Piece

FONTS = Path(__file__).parent / "data" / "fonts"
# In order of preference: letters, then emoji, then Chinese, Japanese and Korean.
_FACES = ("DejaVuSans.ttf", "NotoEmoji.ttf", "DroidSansFallbackFull.ttf")

_SCALE = 2  # drawn at twice the size, so that it stays sharp on dense screens
_WIDTH = 560 * _SCALE
_MARGIN = 14 * _SCALE
_GAP = 4 * _SCALE
_PADDING = 7 * _SCALE
_BOX_HEIGHT = 48 * _SCALE
_TEXT_SIZE = 17 * _SCALE
_ID_SIZE = 11 * _SCALE
_MAX_ROWS = 12
_MAX_PIECE_CHARACTERS = 26

_BACKGROUND = "#1f2127"
_INK = "#14161a"
_FAINT = "#a9adb8"
# Neighbours differ in hue and in lightness, so the cut shows without colour too.
_COLOURS = ("#8ecae6", "#ffd166", "#a5e6ba", "#f4a9c4", "#cdb4f6", "#f9b384")


@dataclass(frozen=True, slots=True)
class _Box:
    text: str
    ids: str
    width: int


def token_cut(pieces: Sequence[Piece]) -> bytes:
    """A PNG of the pieces in reading order, each in a box above its token ids."""
    rows, left_out = _rows(pieces)
    height = 2 * _MARGIN + len(rows) * (_BOX_HEIGHT + _GAP) - _GAP + (24 * _SCALE if left_out else 0)
    image = Image.new("RGB", (_WIDTH, height), _BACKGROUND)
    draw = ImageDraw.Draw(image)
    colours = _cycle()
    top = _MARGIN
    for row in rows:
        left = _MARGIN
        for box in row:
            _draw_box(draw, box, (left, top), next(colours))
            left += box.width + _GAP
        top += _BOX_HEIGHT + _GAP
    if left_out:
        _write(draw, (_MARGIN, top + 4 * _SCALE), f"… and {left_out:,} more", _ID_SIZE + 2 * _SCALE, _FAINT)
    return _png(image)


def _rows(pieces: Sequence[Piece]) -> tuple[list[list[_Box]], int]:
    """Boxes broken into rows that fit the width, and how many pieces did not fit."""
    rows: list[list[_Box]] = [[]]
    free = _WIDTH - 2 * _MARGIN
    for number, piece in enumerate(pieces):
        box = _box(piece)
        if rows[-1] and box.width > free:
            if len(rows) == _MAX_ROWS:
                return rows, len(pieces) - number
            rows.append([])
            free = _WIDTH - 2 * _MARGIN
        rows[-1].append(box)
        free -= box.width + _GAP
    return rows, 0


def _box(piece: Piece) -> _Box:
    text = clip_end(piece.visible, _MAX_PIECE_CHARACTERS)
    ids = clip_end(" ".join(str(token.id) for token in piece.tokens), _MAX_PIECE_CHARACTERS)
    inner = max(_length(text, _TEXT_SIZE), _length(ids, _ID_SIZE))
    return _Box(text, ids, min(round(inner) + 2 * _PADDING, _WIDTH - 2 * _MARGIN))


def _draw_box(draw: ImageDraw.ImageDraw, box: _Box, corner: tuple[int, int], colour: str) -> None:
    left, top = corner
    draw.rounded_rectangle((left, top, left + box.width, top + _BOX_HEIGHT), radius=6 * _SCALE, fill=colour)
    for text, size, offset in ((box.text, _TEXT_SIZE, 6), (box.ids, _ID_SIZE, 30)):
        start = left + (box.width - _length(text, size)) / 2
        _write(draw, (max(start, left + _PADDING / 2), top + offset * _SCALE), text, size, _INK)


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


def _cycle() -> Iterator[str]:
    while True:
        yield from _COLOURS


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    # The quickest of Pillow's ways to a small file: 30 ms instead of 180 for the largest.
    image.quantize(colors=64, method=Image.Quantize.FASTOCTREE).save(buffer, format="PNG", compress_level=6)
    return buffer.getvalue()


@cache
def _coverage(face: str) -> frozenset[int]:
    """The code points a font file has a glyph for."""
    with TTFont(FONTS / face, lazy=True) as font:
        return frozenset(font.getBestCmap())


@cache
def _font(face: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONTS / face, size, layout_engine=ImageFont.Layout.BASIC)
