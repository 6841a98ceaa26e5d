"""Claims that are not true, crossed out, below a text that was written twice. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from bot.cards.pictures.canvas import (
    FAINT,
    INK,
    INNER,
    LEAST,
    LIGHT_COLOURS,
    MARGIN,
    WHITE,
    WIDTH,
    Canvas,
    lettered,
)
from bot.cards.pictures.chips import SIZE, Chip, draw_flow, flowing

_HEAD = 28
_MOST_ROWS = 5
_ROW = LEAST + 37
_SIGN = 30
_GREEN, _RED = LIGHT_COLOURS[2:4]


@dataclass(frozen=True, slots=True)
class Claims:
    """``crossed`` are claims, each with what is true instead.

    ``again`` is the text of a second, equal request in tokens; its first ``same`` agree with the first
    text. ``outcome`` says so.
    """

    crossed: tuple[tuple[str, str], ...]
    again: tuple[str, ...]
    same: int
    outcome: str


def draw_claims(claims: Claims) -> bytes:
    """Draw a PNG: a cross before each claim, then the second text, what differs in red."""
    flow = flowing(
        [Chip(text, _GREEN if place < claims.same else _RED) for place, text in enumerate(claims.again)],
        most_rows=_MOST_ROWS,
    )
    claimed = _ROW * len(claims.crossed)
    canvas = Canvas(2 * MARGIN + claimed + _HEAD + flow.height)
    top = float(MARGIN)
    for claim, truth in claims.crossed:
        _draw_cross(canvas, MARGIN, top)
        start, room = MARGIN + _SIGN + 12, WIDTH - 2 * MARGIN - _SIGN - 12
        canvas.write(lettered(claim, SIZE, width=room), (start, top + 14), WHITE)
        canvas.write(lettered(truth, LEAST, width=room), (start, top + LEAST + 20), FAINT)
        top += _ROW
    canvas.write(lettered(claims.outcome, LEAST, width=INNER), (MARGIN, top + 14), WHITE)
    draw_flow(canvas, flow, top + _HEAD)
    return canvas.png()


def _draw_cross(canvas: Canvas, left: float, top: float) -> None:
    canvas.fill((left, top, left + _SIGN, top + _SIGN), _RED, radius=_SIGN / 2)
    low, high = 0.32 * _SIGN, 0.68 * _SIGN
    canvas.stroke([(left + low, top + low), (left + high, top + high)], INK, width=3)
    canvas.stroke([(left + low, top + high), (left + high, top + low)], INK, width=3)
