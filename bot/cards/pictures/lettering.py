"""Shaped lines of text: letters joined and stacked, each script in its own direction.

HarfBuzz shapes and draws from the shipped fonts, so a text looks the same on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter, itemgetter

import uharfbuzz as hb
from PIL import Image

from bot.cards.pictures.fonts import LETTERS, UNITS, Run, font, runs
from bot.cards.pictures.reading_order import Directed, from_left, visual

_CONTEXT = 5  # characters on each side; HarfBuzz looks no further when it joins letters


@dataclass(frozen=True, slots=True)
class Glyphs:
    """Glyphs of one font as (index, x, y), from the line's start and above its baseline."""

    font: hb.Font
    placed: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A text's glyphs from left to right; ``width`` in pixels."""

    glyphs: tuple[Glyphs, ...]
    width: float


@dataclass(frozen=True, slots=True)
class Ink:
    """How much of each pixel a line covers.

    The mask's upper left corner is ``left`` pixels right of the line's start and ``above`` its baseline.
    """

    mask: Image.Image
    left: int
    above: int


def plain_line(text: str, size: int) -> Line:
    """Shape a line that reads from left to right."""
    return line(from_left(text), size)


def line(text: Directed, size: int, *, before: str = "", after: str = "") -> Line:
    """Shape ``text`` at ``size`` pixels, joining its letters to those of ``before`` and ``after``."""
    parts = _parts(text)
    before = before[-_CONTEXT:]
    whole = "".join((before, *(part.run.text for part in parts), after[:_CONTEXT]))
    glyphs: list[Glyphs] = []
    width = 0
    for part in visual(parts, attrgetter("level")):
        shaped, width = _shaped(part, whole, len(before), size, width)
        glyphs.append(shaped)
    return Line(tuple(glyphs), width / UNITS)


def ink(drawn: Line) -> Ink | None:
    """Rasterize a line; None if nothing of it is visible, as with a space."""
    raster = hb.RasterDraw()
    raster.scale_factor = (UNITS, UNITS)
    for glyphs in drawn.glyphs:
        for index, x, y in glyphs.placed:
            raster.transform = (1, 0, 0, 1, x, y)
            raster.draw_glyph(glyphs.font, index)
    image = raster.render()
    extents = image.extents
    if not (extents.width and extents.height):
        return None
    size = (extents.width, extents.height)
    # HarfBuzz stores the bottom row first.
    mask = Image.frombuffer("L", size, image.buffer, "raw", "L", extents.stride, -1)
    return Ink(mask, extents.x_origin, extents.y_origin + extents.height)


@dataclass(frozen=True, slots=True)
class _Part:
    """A run, its start within the line, and its bidirectional level."""

    run: Run
    start: int
    level: int


def _parts(text: Directed) -> list[_Part]:
    parts: list[_Part] = []
    start = 0
    for level, characters in groupby(zip(text.levels, text.text, strict=True), key=itemgetter(0)):
        for run in runs("".join(character for _, character in characters)):
            parts.append(_Part(run, start, level))
            start += len(run.text)
    return parts


def _shaped(part: _Part, whole: str, offset: int, size: int, x: int) -> tuple[Glyphs, int]:
    """Return the glyphs of a part that starts at ``x``, and where the next part starts."""
    run = part.run
    buffer = hb.Buffer()
    buffer.add_str(whole, offset + part.start, len(run.text))
    buffer.direction = "rtl" if part.level % 2 and not run.sign else "ltr"
    buffer.language = "en"  # otherwise it depends on the machine
    buffer.guess_segment_properties()
    found = font(run.file, size)
    hb.shape(found, buffer)
    placed: list[tuple[int, int, int]] = []
    for info, place in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
        left = x + place.x_offset
        if run.file == LETTERS:
            # On whole pixels, where equal letters look equal: the PNG gets smaller. None of these join.
            left = round(left / UNITS) * UNITS
        placed.append((info.codepoint, left, place.y_offset))
        x += place.x_advance
    return Glyphs(found, tuple(placed)), x
