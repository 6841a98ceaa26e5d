"""A text and the tokens that it is cut into. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from bot.cards.pictures.canvas import FAINT, INNER, LEAST, MARGIN, WHITE, WIDTH, Canvas, lettered
from bot.cards.pictures.chips import Flow, coloured, draw_flow, flowing
from bot.cards.pictures.reading_order import reading_order

_MOST_ROWS, _MOST_CAPTIONED = 6, 5
_HEAD = 34
_LINE = LEAST + 7
_GAP = 8


@dataclass(frozen=True, slots=True)
class Cutting:
    """A ``heading`` in one line and ``tokens``, the last of ``count``, each with its part of ``below``.

    ``notes`` are small lines. ``compared`` are more tokens with what is below them, after a small
    ``comparison``.
    """

    heading: str
    tokens: tuple[str, ...]
    count: int
    below: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    comparison: str = ""
    compared: tuple[tuple[str, str], ...] = ()


def draw_cutting(cutting: Cutting) -> bytes:
    """Draw a PNG: the heading, the tokens as chips, the notes, and the comparison."""
    most_rows = _MOST_CAPTIONED if cutting.below else _MOST_ROWS
    flow = flowing(coloured(cutting.tokens, cutting.below), most_rows=most_rows)
    notes = [*_left_out(cutting, flow), *cutting.notes, *filter(None, [cutting.comparison])]
    compared = coloured([name for name, _ in cutting.compared], [below for _, below in cutting.compared])
    others = flowing(compared, most_rows=2)
    height = _HEAD + flow.height + (_GAP + _LINE * len(notes) if notes else 0)
    canvas = Canvas(2 * MARGIN + height + (_GAP + others.height if compared else 0))
    _write_heading(canvas, cutting.heading)
    draw_flow(canvas, flow, MARGIN + _HEAD)
    top = MARGIN + _HEAD + flow.height + _GAP
    for note in notes:
        canvas.write(lettered(note, LEAST, width=INNER), (MARGIN, top + LEAST + 1), FAINT)
        top += _LINE
    draw_flow(canvas, others, top + _GAP)
    return canvas.png()


def _write_heading(canvas: Canvas, heading: str) -> None:
    line = lettered(heading, 19, width=INNER)
    if reading_order([heading]).from_right:
        canvas.write(line, (WIDTH - MARGIN, MARGIN + 18), WHITE, align=1)
    else:
        canvas.write(line, (MARGIN, MARGIN + 18), WHITE)


def _left_out(cutting: Cutting, flow: Flow) -> list[str]:
    more = cutting.count - len(cutting.tokens) + flow.left_out
    return [f"… and {more:,} tokens before"] if more else []
