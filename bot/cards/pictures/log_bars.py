"""Quantities of very different sizes as bars on a log scale: each gap in a bar is ten times more. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bot.cards.pictures.canvas import (
    BACKGROUND,
    FAINT,
    INNER,
    LEAST,
    MARGIN,
    RAISED,
    WHITE,
    WIDTH,
    Canvas,
    lettered,
    units,
)
from bot.cards.pictures.chips import SIZE

_HEADING = SIZE + 14  # the line above all groups
_NAME = LEAST + 10
_ROW = LEAST + 5
_BETWEEN = 10  # two groups
_NOTE = LEAST + 5
_BAR = 12
_GAP = 8
_BASELINE = LEAST  # of a line's letters, from its top


@dataclass(frozen=True, slots=True)
class LogBar:
    """A bar for ``value``, written as ``shown``."""

    label: str
    value: int
    shown: str
    colour: str


@dataclass(frozen=True, slots=True)
class LogGroup:
    """Bars on one scale, from 1 to the next power of ten; ``meaning`` explains what ``name`` counts."""

    name: str
    meaning: str
    bars: tuple[LogBar, ...]

    @property
    def decades(self) -> int:
        """How many times its scale multiplies by ten."""
        most = max((bar.value for bar in self.bars), default=1)
        return max(1, math.ceil(math.log10(max(1, most))))


def log_alt_text(groups: Sequence[LogGroup]) -> str:
    """Say what :func:`draw_log_bars` shows, but for the meanings."""
    return "; ".join(
        f"{group.name}: {', '.join(f'{bar.label} {bar.shown}' for bar in group.bars)}" for group in groups
    )


def draw_log_bars(groups: Sequence[LogGroup], heading: str, notes: Sequence[str] = ()) -> bytes:
    """Draw a PNG: the ``heading``, the groups below one another, and the ``notes``."""
    heights = [_NAME + _ROW * len(group.bars) + _BETWEEN for group in groups]
    canvas = Canvas(2 * MARGIN + _HEADING + sum(heights) + _NOTE * len(notes))
    labels = [bar.label for group in groups for bar in group.bars]
    shown = [bar.shown for group in groups for bar in group.bars]
    left = MARGIN + _widest(labels) + _GAP
    right = WIDTH - MARGIN - _widest(shown) - _GAP
    canvas.write(lettered(heading, SIZE, width=INNER), (MARGIN, MARGIN + _BASELINE), WHITE)
    top = float(MARGIN + _HEADING)
    for group, height in zip(groups, heights, strict=True):
        _draw_group(canvas, group, (left, right), top)
        top += height
    for place, note in enumerate(notes):
        canvas.write(lettered(note, LEAST, width=INNER), (MARGIN, top + _NOTE * place + _BASELINE), FAINT)
    return canvas.png()


def _widest(texts: Sequence[str]) -> float:
    return max((units(lettered(text, LEAST, width=INNER / 3)) for text in texts), default=0)


def _draw_group(canvas: Canvas, group: LogGroup, columns: tuple[float, float], top: float) -> None:
    name = lettered(group.name, LEAST, width=INNER / 3)
    canvas.write(name, (MARGIN, top + _BASELINE), WHITE)
    start = MARGIN + units(name) + _GAP
    meaning = lettered(group.meaning, LEAST, width=WIDTH - MARGIN - start)
    canvas.write(meaning, (start, top + _BASELINE), FAINT)
    for place, bar in enumerate(group.bars):
        _draw_bar(canvas, bar, group.decades, columns, top + _NAME + _ROW * place)


def _draw_bar(canvas: Canvas, bar: LogBar, decades: int, columns: tuple[float, float], top: float) -> None:
    left, right = columns
    baseline = top + _BASELINE - 1
    canvas.write(lettered(bar.label, LEAST, width=INNER / 3), (MARGIN, baseline), FAINT)
    canvas.write(lettered(bar.shown, LEAST, width=INNER / 3), (WIDTH - MARGIN, baseline), WHITE, align=1)
    middle = baseline - LEAST / 3
    edges = (middle - _BAR / 2, middle + _BAR / 2)
    canvas.fill((left, edges[0], right, edges[1]), RAISED, radius=3)
    length = max(3.0, (right - left) * math.log10(max(1, bar.value)) / decades)
    canvas.fill((left, edges[0], left + length, edges[1]), bar.colour, radius=3)
    for decade in range(1, decades):
        at = left + (right - left) * decade / decades
        canvas.fill((at - 0.75, edges[0], at + 0.75, edges[1]), BACKGROUND)
