"""What all pictures share: their width, their colours, how they place text, and their PNG.

A phone of 360 pixels shows a picture at 295 pixels' width, as a page of 420 does: the rest is the card's
edges and the app's. Letters of LEAST are 11 pixels high there.
"""

from __future__ import annotations

import io
import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import cycle

from PIL import Image, ImageDraw

from bot.cards.pictures.lettering import Line, ink, line
from bot.cards.pictures.reading_order import Directed, reading_order
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

_LEAST_FILLED = 3.0  # of a bar
_LEAST_PART = 4
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

    def bar(self, box: Box, share: float, colour: str, *, parts: int = 1) -> None:
        """Draw a bar that is filled up to ``share`` (0 … 1); the least share above 0 is still seen.

        What is filled is divided into ``parts`` as long as they can be told apart.
        """
        left, top, right, bottom = box
        radius = (bottom - top) / 2
        self.fill(box, RAISED, radius=radius)
        if share <= 0:
            return
        filled = max(_LEAST_FILLED, min(1.0, share) * (right - left))
        part = filled / parts
        if parts == 1 or part < _LEAST_PART:
            self.fill((left, top, left + filled, bottom), colour, radius=radius)
            return
        for number, light in zip(range(parts), cycle(LIGHT_COLOURS), strict=False):
            start = left + number * part
            self.fill((start, top, start + part - 1, bottom), light, radius=2)

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


def lettered_among(pieces: Sequence[Directed], number: int, size: float) -> Line:
    """Shape piece ``number``, whose letters join those of the pieces beside it."""
    before, after = pieces[max(0, number - 1) : number], pieces[number + 1 : number + 2]
    return line(
        pieces[number],
        round(size * SCALE),
        before="".join(piece.text for piece in before),
        after="".join(piece.text for piece in after),
    )


def row_start(widths: Sequence[float], gap: float, *, from_right: bool) -> float:
    """The left edge of a row of boxes with gaps between them, which begins or ends at the margin."""
    if not from_right:
        return MARGIN
    return WIDTH - MARGIN - sum(widths) - gap * (len(widths) - 1)


def units(shaped: Line) -> float:
    """The width of a shaped line."""
    return shaped.width / SCALE


def _shaped(text: str, size: float) -> Line:
    return line(reading_order([text]).pieces[0], round(size * SCALE))
