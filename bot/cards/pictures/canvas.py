"""What all pictures share: their width, their colours, how they place text, and their PNG.

A phone of 360 pixels shows a picture at 295 pixels' width, as a page of 420 does: the rest is the card's
edges and the app's. Letters of LEAST are 11 pixels high there.
"""

from __future__ import annotations

import io
import math
from bisect import bisect_right

from PIL import Image, ImageDraw

from bot.cards.pictures.lettering import Line, ink, line
from bot.cards.pictures.reading_order import reading_order
from bot.text.escaping import clip_end, clipped

SCALE = 3  # pixels of the file per unit, to stay sharp on dense screens
WIDTH = 420  # units; every length below and in the pictures is in units
MARGIN = 14
INNER = WIDTH - 2 * MARGIN
LEAST = 16  # the smallest size of letters

BACKGROUND = "#1f2127"
RAISED = "#2b2e37"  # what a bar or a cell is drawn on
WHITE = "#f2f3f5"
FAINT = "#a9adb8"
INK = "#14161a"  # letters on the light colours
# Neighbours differ in hue and lightness, so boundaries show without colour vision too.
LIGHT_COLOURS = ("#8ecae6", "#ffd166", "#a5e6ba", "#f4a9c4", "#cdb4f6", "#f9b384")

_MOST_CHARACTERS = 120  # more than any line of a picture holds

Box = tuple[float, float, float, float]  # left, top, right, bottom


class Canvas:
    """A picture being drawn, ``height`` units high."""

    def __init__(self, height: float, *, background: str = BACKGROUND) -> None:
        self._image = Image.new("RGB", (WIDTH * SCALE, round(height * SCALE)), background)
        self._draw = ImageDraw.Draw(self._image)

    def fill(self, box: Box, colour: str, *, radius: float = 0) -> None:
        """Fill a box; its corners are rounded by ``radius``."""
        left, top, right, bottom = (round(edge * SCALE) for edge in box)
        if right > left and bottom > top:
            edges = (left, top, right - 1, bottom - 1)
            self._draw.rounded_rectangle(edges, radius=min(radius * SCALE, (right - left) / 2), fill=colour)

    def outline(self, box: Box, colour: str, *, radius: float = 0, width: float = 1) -> None:
        """Draw the edge of a box."""
        edges = tuple(round(edge * SCALE) for edge in box)
        self._draw.rounded_rectangle(edges, radius * SCALE, outline=colour, width=round(width * SCALE))

    def stroke(self, points: list[tuple[float, float]], colour: str, *, width: float = 1) -> None:
        """Draw a line through the points."""
        scaled = [(x * SCALE, y * SCALE) for x, y in points]
        self._draw.line(scaled, fill=colour, width=round(width * SCALE), joint="curve")

    def write(
        self, text: Line, at: tuple[float, float], colour: str, *, within: Box | None = None, align: float = 0
    ) -> None:
        """Write a line at ``at`` on its baseline, clipped to ``within``.

        It starts there with ``align`` 0, ends there with 1 and has its middle there with 0.5.
        """
        drawn = ink(text)
        if drawn is None:
            return
        start = round(at[0] * SCALE - align * text.width)
        left, top = start + drawn.left, round(at[1] * SCALE) - drawn.above
        right, bottom = left + drawn.mask.width, top + drawn.mask.height
        edges = [round(edge * SCALE) for edge in within] if within else [0, 0, *self._image.size]
        inner = (max(left, edges[0]), max(top, edges[1]), min(right, edges[2]), min(bottom, edges[3]))
        if inner[0] >= inner[2] or inner[1] >= inner[3]:
            return
        mask = drawn.mask.crop((inner[0] - left, inner[1] - top, inner[2] - left, inner[3] - top))
        self._image.paste(colour, inner, mask)

    def png(self) -> bytes:
        buffer = io.BytesIO()
        # Pillow's quickest way to a small file: 30 ms instead of 180 for the largest picture.
        small = self._image.quantize(colors=64, method=Image.Quantize.FASTOCTREE)
        small.save(buffer, format="PNG", compress_level=6)
        return buffer.getvalue()


def lettered(text: str, size: float, *, width: float = math.inf) -> Line:
    """Shape ``text`` in its own direction, cut off with "…" where it is wider than ``width`` units.

    However long ``text`` is, shaping it takes no longer than shaping what is shown.
    """
    shown = clip_end(text, _MOST_CHARACTERS)
    whole = _shaped(shown, size)
    if whole.width <= width * SCALE:
        return whole
    fits = bisect_right(
        range(len(shown)), width * SCALE, key=lambda end: _shaped(clipped(shown, end), size).width
    )
    return _shaped(clipped(shown, max(0, fits - 1)), size)


def units(shaped: Line) -> float:
    """The width of a shaped line."""
    return shaped.width / SCALE


def _shaped(text: str, size: float) -> Line:
    return line(reading_order([text]).pieces[0], round(size * SCALE))
