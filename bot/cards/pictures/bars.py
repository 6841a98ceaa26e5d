"""A table of bars: what has how much, the longest bar first to the eye. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.cards.pictures.canvas import (
    FAINT,
    INNER,
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
from bot.cards.pictures.lettering import Line
from bot.cards.pictures.stack import stacked

_LABEL = 150  # the widest one
_GAP = 8
_NOTED = LEAST + 22  # a row whose bar has a note below it
_NOTED_MIDDLE = 9  # of that bar, from the row's top
_NOTE = LEAST + 18  # the note's baseline, from the row's top
_MIDDLE = 6  # letters' middle, from their baseline up
_BAR = 12
_DOT = " · "  # between the parts of a note
_BLUE = LIGHT_COLOURS[0]


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
        return sum(_height(bar) + _GAP for bar in self.bars) - (_GAP if self.bars else 0)

    def put(self, canvas: Canvas, top: float) -> None:
        """Draw the rows; the columns are as wide as the longest label and value need."""
        bars = self.bars
        labels = [_label(bar) for bar in bars]
        values = [lettered(bar.value, SIZE, width=INNER / 3) for bar in bars]
        columns = _columns(bars, labels, values)
        for bar, label, value in zip(bars, labels, values, strict=True):
            _draw_row(canvas, bar, label, value, columns, top)
            top += _height(bar) + _GAP


def draw_bars(bars: Sequence[Bar]) -> bytes:
    """Draw a PNG with a row for each bar."""
    return stacked([Table(tuple(bars))])


def _height(bar: Bar) -> float:
    return _NOTED if bar.note or bar.mark else HEIGHT


def _label(bar: Bar) -> Line:
    return lettered(bar.label, LEAST if bar.is_plain else SIZE, width=_LABEL - _padding(bar))


def _padding(bar: Bar) -> float:
    """How much wider a label's box is than its text."""
    return 0 if bar.is_plain else 2 * PADDING


def _columns(bars: Sequence[Bar], labels: Sequence[Line], values: Sequence[Line]) -> _Columns:
    ranks = max((units(lettered(bar.rank, SIZE)) for bar in bars), default=0)
    label = MARGIN + (ranks + _GAP if ranks else 0)
    # A label without a bar beside it may reach further.
    beside = (
        units(one) + _padding(bar) for one, bar in zip(labels, bars, strict=True) if bar.length is not None
    )
    widest = max(beside, default=0)
    end = WIDTH - MARGIN - max(map(units, values), default=0) - _GAP
    return _Columns(label, label + widest + _GAP, end, WIDTH - MARGIN)


def _draw_row(canvas: Canvas, bar: Bar, label: Line, value: Line, columns: _Columns, top: float) -> None:
    """Draw the label in the middle of the row, beside the bar and, below it, the note."""
    is_noted = bool(bar.note or bar.mark)
    chip = top + (_height(bar) - HEIGHT) / 2
    middle = top + (_NOTED_MIDDLE if is_noted else HEIGHT / 2)
    if bar.rank:
        rank = lettered(bar.rank, SIZE)
        canvas.write(rank, (columns.label - _GAP, chip + BASELINE), FAINT, align=1)
    if bar.is_plain:
        canvas.write(label, (columns.label, chip + BASELINE), FAINT)
    else:
        draw_chip(canvas, label, columns.label, chip, bar.colour)
    if bar.length is not None:
        box = (columns.bar, middle - _BAR / 2, columns.bar_end, middle + _BAR / 2)
        canvas.bar(box, bar.length, bar.colour, parts=bar.parts)
    canvas.write(value, (columns.value, middle + _MIDDLE), WHITE, align=1)
    if is_noted:
        mark = lettered(bar.mark, LEAST, width=INNER / 3)
        room = columns.value - columns.bar - units(mark) - _GAP
        canvas.write(_note(bar.note, room), (columns.bar, top + _NOTE), FAINT)
        canvas.write(mark, (columns.value, top + _NOTE), bar.colour, align=1)


def _note(note: str, room: float) -> Line:
    """Shape a note, without its last parts if there is no room for them."""
    while _DOT in note and units(lettered(note, LEAST)) > room:
        note = note.rpartition(_DOT)[0]
    return lettered(note, LEAST, width=room)
