"""A beginning and the texts that branch off from it, each in its own colour. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.cards.pictures.canvas import (
    FAINT,
    INNER,
    LEAST,
    MARGIN,
    WIDTH,
    Canvas,
    lettered,
)
from bot.cards.pictures.chips import BASELINE, HEIGHT, PADDING, SIZE, draw_chip
from bot.cards.pictures.paragraphs import Paragraph, Span, draw_paragraph, set_paragraph

SHARED = FAINT  # the colour of what texts have in common

_SIZE = LEAST + 1  # of running text
_ROW = _SIZE + 5
_TRUNK = MARGIN + 5
_INDENT = 22
_LEFT = MARGIN + _INDENT
_GAP = 14
_MOST_ROWS = 30  # of all branches together
_MOST_TRUNK_ROWS = 5
_TRUNK_COLOUR = "#565b68"


@dataclass(frozen=True, slots=True)
class Branch:
    """One text: ``name`` in a box of its ``colour``, a small ``note`` beside it, and its words below."""

    name: str
    note: str
    colour: str
    words: tuple[Span, ...]


def draw_branches(beginning: Sequence[Span], branches: Sequence[Branch]) -> bytes:
    """Draw a PNG: the beginning, and below it a block for each branch."""
    trunk = _set(beginning, INNER, _MOST_TRUNK_ROWS)
    most_rows = _MOST_ROWS // max(1, len(branches))
    texts = [_set(branch.words, INNER - _INDENT, most_rows) for branch in branches]
    heights = [HEIGHT + 4 + text.height + _GAP for text in texts]
    top = MARGIN + trunk.height + (_GAP if trunk.rows else 0)
    canvas = Canvas(top + sum(heights) - _GAP + MARGIN)
    draw_paragraph(canvas, trunk, MARGIN, MARGIN)
    last = top + sum(heights[:-1]) + HEIGHT / 2
    canvas.stroke([(_TRUNK, top - _GAP + 6), (_TRUNK, last)], _TRUNK_COLOUR, width=2)
    for branch, text, height in zip(branches, texts, heights, strict=True):
        _draw_branch(canvas, branch, text, top)
        top += height
    return canvas.png()


def _set(spans: Sequence[Span], width: float, most_rows: int) -> Paragraph:
    return set_paragraph(spans, size=_SIZE, width=width, row_height=_ROW, most_rows=most_rows)


def _draw_branch(canvas: Canvas, branch: Branch, text: Paragraph, top: float) -> None:
    middle = top + HEIGHT / 2
    canvas.stroke([(_TRUNK, middle), (_LEFT, middle)], branch.colour, width=2)
    canvas.fill((_TRUNK - 4, middle - 4, _TRUNK + 4, middle + 4), branch.colour, radius=4)
    right = draw_chip(canvas, lettered(branch.name, SIZE, width=INNER / 2), _LEFT, top, branch.colour)
    note = lettered(branch.note, LEAST, width=WIDTH - MARGIN - right - PADDING)
    canvas.write(note, (right + PADDING, top + BASELINE), FAINT)
    draw_paragraph(canvas, text, _LEFT, top + HEIGHT + 4)
