"""Running text in several colours, set in rows: a part of pictures. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from operator import attrgetter

import regex

from bot.cards.pictures.canvas import Canvas, lettered, lettered_among, units
from bot.cards.pictures.lettering import Line
from bot.cards.pictures.reading_order import Directed, reading_order, visual_pieces

# A row may end after a word with the spaces behind it, or after a sign of a script without spaces.
_WORDS = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}] *|[^ \p{Han}\p{Hiragana}\p{Katakana}]+ *| +")
_LETTERS = regex.compile(r"\X")
_MOST_IN_A_ROW = 90  # characters, more than a row has room for


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of text in one colour."""

    text: str
    colour: str


@dataclass(frozen=True, slots=True)
class Run:
    """A shaped stretch of a row; ``piece`` is its part in the reading order."""

    piece: Directed
    shaped: Line
    colour: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Rows of runs, each from left to right; those of a right-to-left text end at the right."""

    rows: tuple[tuple[Run, ...], ...]
    from_right: bool
    width: float
    row_height: float

    @property
    def height(self) -> float:
        return len(self.rows) * self.row_height


def set_paragraph(
    spans: Sequence[Span], *, size: float, width: float, row_height: float, most_rows: int
) -> Paragraph:
    """Set ``spans`` in rows at most ``width`` units wide; a text that is cut ends in "…".

    Their only white space is the space, as in the visible form; see :func:`bot.text.escaping.visible`.
    """
    whole = "".join(span.text for span in spans)
    colours = [span.colour for span in spans for _ in span.text]
    text = whole[: most_rows * _MOST_IN_A_ROW]
    rows = list(_rows(text, size, width))
    shown = [text[start:end].rstrip(" ") for start, end in rows[:most_rows]]
    if len(rows) > most_rows or len(text) < len(whole):
        shown[-1] = _with_ellipsis(shown[-1], size, width)
    stretches = [
        (row, "".join(letter for letter, _ in letters), colour)
        for row, ((start, _), words) in enumerate(zip(rows, shown, strict=False))
        for colour, letters in groupby(_coloured(words, colours[start:]), key=lambda pair: pair[1])
    ]
    order = reading_order([words for _, words, _ in stretches])
    directed = zip(stretches, order.pieces, strict=True)
    in_rows = (list(group) for _, group in groupby(directed, key=lambda pair: pair[0][0]))
    visual = tuple(tuple(visual_pieces(_shaped(row, size), attrgetter("piece"))) for row in in_rows)
    return Paragraph(visual, order.from_right, width, row_height)


def draw_paragraph(canvas: Canvas, text: Paragraph, left: float, top: float) -> None:
    """Draw the rows from ``top`` down."""
    for number, row in enumerate(text.rows):
        start = left
        if text.from_right:
            start += text.width - sum(units(run.shaped) for run in row)
        for run in row:
            canvas.write(run.shaped, (start, top + (number + 0.75) * text.row_height), run.colour)
            start += units(run.shaped)


def _rows(text: str, size: float, width: float) -> Iterator[tuple[int, int]]:
    """Where each row begins and ends."""
    measured = partial(_width, size=size, known={})
    begin = end = 0
    free = width
    for start, stop in _words(text, measured, width):
        wide = measured(text[start:stop].rstrip(" "))
        if end > begin and wide > free:
            yield begin, end
            begin, free = start, width
        spaces = stop - start - len(text[start:stop].rstrip(" "))
        free -= wide + spaces * measured(" ")
        end = stop
    if end > begin:
        yield begin, end


def _words(text: str, measured: Callable[[str], float], width: float) -> Iterator[tuple[int, int]]:
    """Where each word begins and ends, and each letter of a word that is wider than a row."""
    for word in _WORDS.finditer(text):
        if len(word[0]) <= _MOST_IN_A_ROW and measured(word[0].rstrip(" ")) <= width:
            yield word.span()
        else:
            yield from (letter.span() for letter in _LETTERS.finditer(text, *word.span()))


def _width(text: str, *, size: float, known: dict[str, float]) -> float:
    if text not in known:
        known[text] = units(lettered(text, size))
    return known[text]


def _with_ellipsis(row: str, size: float, width: float) -> str:
    while row and units(lettered(row + "…", size)) > width:
        row = row[:-1]
    return row + "…"


def _coloured(words: str, colours: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each letter of a row with its colour; an ellipsis behind them has that of the last."""
    return zip(words, [*colours[: len(words)], *colours[-1:]], strict=False)


def _shaped(row: Sequence[tuple[tuple[int, str, str], Directed]], size: float) -> Iterator[Run]:
    """Shape the stretches of a row, whose letters join across colours but not across rows."""
    pieces = [piece for _, piece in row]
    for number, ((_, _, colour), piece) in enumerate(row):
        yield Run(piece, lettered_among(pieces, number, size), colour)
