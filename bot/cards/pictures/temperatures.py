"""The same bars at several temperatures side by side, and what the dice drew. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from bot.cards.pictures.canvas import (
    FAINT,
    INK,
    LEAST,
    LIGHT_COLOURS,
    MARGIN,
    WHITE,
    WIDTH,
    Canvas,
    lettered,
    units,
)
from bot.cards.pictures.chips import BASELINE, HEIGHT, PADDING, SIZE, draw_chip

_LABEL = 104  # the widest chip, which leaves room for "0.00012 %" in each column
_GAP = 8
_HEAD = LEAST + 32
_ROW = HEIGHT + 14
_BAR = 10
_BLUE, _YELLOW = LIGHT_COLOURS[:2]
_DIE = 34


@dataclass(frozen=True, slots=True)
class Share:
    """A token's probability at one temperature, as a number from 0 to 1 and in words."""

    value: float
    said: str


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token and its shares, one for each temperature."""

    token: str
    shares: tuple[Share, ...]
    is_drawn: bool = False


@dataclass(frozen=True, slots=True)
class Temperatures:
    """``headings`` are the temperatures and what each does; ``rest`` is the share of all other tokens.

    ``drawn`` is the token that the dice chose, ``luck`` says how likely it was.
    """

    headings: tuple[tuple[str, str], ...]
    rows: tuple[TokenRow, ...]
    rest: tuple[str, ...]
    drawn: str
    luck: str


def draw_temperatures(content: Temperatures) -> bytes:
    """Draw a PNG: a row for each token, a column for each temperature, the draw at the bottom."""
    labels = [lettered(row.token, SIZE, width=_LABEL - 2 * PADDING) for row in content.rows]
    canvas = Canvas(2 * MARGIN + _HEAD + _ROW * len(content.rows) + 34 + 40)
    others = lettered("all others", LEAST)
    widest = max(units(others), *(units(label) + 2 * PADDING for label in labels))
    edges = _edges(MARGIN + widest, len(content.headings))
    for (left, right), (temperature, does) in zip(edges, content.headings, strict=True):
        canvas.write(lettered(temperature, SIZE, width=right - left), (left, MARGIN + 14), WHITE)
        canvas.write(lettered(does, LEAST, width=right - left), (left, MARGIN + LEAST + 18), FAINT)
    longest = max(share.value for row in content.rows for share in row.shares)
    top = float(MARGIN + _HEAD)
    for row, label in zip(content.rows, labels, strict=True):
        colour = _YELLOW if row.is_drawn else _BLUE
        draw_chip(canvas, label, MARGIN, top, colour)
        for (left, right), share in zip(edges, row.shares, strict=True):
            length = share.value / longest if longest > 0 else 0.0
            _draw_share(canvas, share.said, length, colour, (left, top, right, top + HEIGHT))
        top += _ROW
    canvas.write(others, (MARGIN, top + 13), FAINT)
    for (left, right), said in zip(edges, content.rest, strict=True):
        canvas.write(lettered(said, LEAST, width=right - left), (left, top + 13), FAINT)
    _draw_dice(canvas, content, top + 40)
    return canvas.png()


def _edges(labels_end: float, columns: int) -> list[tuple[float, float]]:
    """Return the left and right edge of each column."""
    width = (WIDTH - MARGIN - labels_end) / columns
    return [
        (labels_end + number * width + _GAP, labels_end + (number + 1) * width) for number in range(columns)
    ]


def _draw_share(
    canvas: Canvas, said: str, length: float, colour: str, box: tuple[float, float, float, float]
) -> None:
    left, top, right, bottom = box
    canvas.write(lettered(said, LEAST, width=right - left), (left, top + 12), WHITE)
    canvas.bar((left, bottom - _BAR, right, bottom), length, colour)


def _draw_dice(canvas: Canvas, content: Temperatures, top: float) -> None:
    """Draw a die that shows five, the drawn token, and how likely it was."""
    canvas.fill((MARGIN, top, MARGIN + _DIE, top + _DIE), WHITE, radius=8)
    for across, down in ((0.27, 0.27), (0.73, 0.27), (0.5, 0.5), (0.27, 0.73), (0.73, 0.73)):
        x, y = MARGIN + across * _DIE, top + down * _DIE
        canvas.fill((x - 3, y - 3, x + 3, y + 3), INK, radius=3)
    start = MARGIN + _DIE + 10.0
    middle = top + (_DIE - HEIGHT) / 2
    drew = lettered("drew", SIZE)
    canvas.write(drew, (start, middle + BASELINE), WHITE)
    token = lettered(content.drawn, SIZE, width=_LABEL)
    end = draw_chip(canvas, token, start + units(drew) + 8, middle, _YELLOW)
    room = WIDTH - MARGIN - end - 8
    canvas.write(lettered(content.luck, LEAST, width=room), (end + 8, middle + BASELINE), FAINT)
