"""A table of bars: what has how much, the longest bar first to the eye. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

from bot.cards.pictures.canvas import (
    FAINT,
    INK,
    INNER,
    LEAST,
    LIGHT_COLOURS,
    MARGIN,
    RAISED,
    WHITE,
    WIDTH,
    Canvas,
    lettered,
    units,
)
from bot.cards.pictures.lettering import Line
from bot.cards.pictures.stack import stacked

_SIZE = 17
_CHIP_HEIGHT = 26
_CHIP_PADDING = 7
_CHIP_WIDTH = 150  # at most
_GAP = 8
_ROW = 34
_NOTED_ROW = 48
_BAR = 12
_LEAST_PART = 4
_BLUE = LIGHT_COLOURS[0]
_BASELINE = 19  # from the top of a chip


@dataclass(frozen=True, slots=True)
class Bar:
    """One row: ``rank``, ``label``, a bar of ``length`` (0 … 1, or none), ``value``, and a small ``note``.

    ``label`` is a token in its visible form, or plain words if it ``is_plain``. ``mark`` is a word in the
    bar's colour behind the note, such as "chosen". A bar of several ``parts`` is divided into them as long
    as they can be told apart.
    """

    label: str
    length: float | None
    value: str
    rank: str = ""
    note: str = ""
    mark: str = ""
    colour: str = _BLUE
    is_plain: bool = False
    parts: int = 1

    @property
    def words(self) -> str:
        """The row as alt text."""
        head = f"{self.rank}. {self.label}" if self.rank else self.label
        return ", ".join(filter(None, (f"{head} {self.value}", self.note, self.mark)))


def alt_text(bars: Sequence[Bar]) -> str:
    """Say what :func:`draw_bars` shows."""
    return "; ".join(bar.words for bar in bars)


@dataclass(frozen=True, slots=True)
class _Columns:
    """The columns' left edges, and the right one of the values."""

    label: float
    bar: float
    bar_end: float
    value: float


@dataclass(frozen=True, slots=True)
class Table:
    """A row for each bar, as a block of a picture."""

    bars: tuple[Bar, ...]

    @property
    def height(self) -> float:
        return sum(map(_height, self.bars)) - (_GAP if self.bars else 0)

    def put(self, canvas: Canvas, top: float) -> None:
        """Draw the rows; the columns are as wide as the longest label and value need."""
        bars = self.bars
        labels = [lettered(bar.label, _SIZE, width=_CHIP_WIDTH - 2 * _CHIP_PADDING) for bar in bars]
        values = [lettered(bar.value, _SIZE, width=INNER / 3) for bar in bars]
        columns = _columns(bars, labels, values)
        for bar, label, value in zip(bars, labels, values, strict=True):
            _draw_row(canvas, bar, label, value, columns, top)
            top += _height(bar)


def draw_bars(bars: Sequence[Bar]) -> bytes:
    """Draw a PNG with a row for each bar."""
    return stacked([Table(tuple(bars))])


def _height(bar: Bar) -> float:
    return _NOTED_ROW if bar.note or bar.mark else _ROW


def _columns(bars: Sequence[Bar], labels: Sequence[Line], values: Sequence[Line]) -> _Columns:
    ranks = max((units(lettered(bar.rank, _SIZE)) for bar in bars), default=0)
    label = MARGIN + (ranks + _GAP if ranks else 0)
    # A label without a bar beside it may reach further.
    beside = (units(one) for one, bar in zip(labels, bars, strict=True) if bar.length is not None)
    widest = max(beside, default=0) + 2 * _CHIP_PADDING
    end = WIDTH - MARGIN - max(map(units, values), default=0) - _GAP
    return _Columns(label, label + widest + _GAP, end, WIDTH - MARGIN)


def _draw_row(canvas: Canvas, bar: Bar, label: Line, value: Line, columns: _Columns, top: float) -> None:
    baseline = top + _BASELINE
    if bar.rank:
        canvas.write(lettered(bar.rank, _SIZE), (columns.label - _GAP, baseline), FAINT, align=1)
    if bar.is_plain:
        canvas.write(label, (columns.label, baseline), FAINT)
    else:
        right = columns.label + units(label) + 2 * _CHIP_PADDING
        canvas.fill((columns.label, top, right, top + _CHIP_HEIGHT), bar.colour, radius=6)
        canvas.write(label, (columns.label + _CHIP_PADDING, baseline), INK)
    if bar.length is not None:
        _draw_bar(canvas, bar, bar.length, columns, top + _CHIP_HEIGHT / 2)
    canvas.write(value, (columns.value, baseline), WHITE, align=1)
    if bar.note or bar.mark:
        below = top + _CHIP_HEIGHT + LEAST
        canvas.write(lettered(bar.note, LEAST, width=INNER / 2), (columns.bar, below), FAINT)
        canvas.write(lettered(bar.mark, LEAST, width=INNER / 3), (columns.value, below), bar.colour, align=1)


def _draw_bar(canvas: Canvas, bar: Bar, length: float, columns: _Columns, middle: float) -> None:
    left, right, top, bottom = columns.bar, columns.bar_end, middle - _BAR / 2, middle + _BAR / 2
    canvas.fill((left, top, right, bottom), RAISED, radius=_BAR / 2)
    if length <= 0:
        return
    end = left + max(3.0, min(1.0, length) * (right - left))  # the least share is still seen
    part = (end - left) / bar.parts
    if bar.parts == 1 or part < _LEAST_PART:
        canvas.fill((left, top, end, bottom), bar.colour, radius=_BAR / 2)
        return
    for number, colour in zip(range(bar.parts), cycle(LIGHT_COLOURS), strict=False):
        start = left + number * part
        canvas.fill((start, top, start + part - 1, bottom), colour, radius=2)
