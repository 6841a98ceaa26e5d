"""Text cut to what a phone shows in a number of rows. Pure.

Discord wraps a card's text at the width of the screen, so characters alone don't say how high a text is:
200 line breaks are as high as 9,000 letters.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from math import ceil
from unicodedata import category, east_asian_width

COLUMNS = 34  # letters in a row of a card on a phone, about; wide characters count twice


def first_rows(text: str, rows: int) -> str:
    """The beginning of ``text`` in at most ``rows`` rows, ending with "…" if anything is left out."""
    kept: list[str] = []
    for line in text.split("\n"):
        free = rows - sum(map(_rows, kept))
        if _rows(line) > free:
            return "\n".join([*kept, _fitting(line, free)] if free else kept) + "…"
        kept.append(line)
    return text


def last_rows(text: str, rows: int) -> str:
    """The end of ``text`` in at most ``rows`` rows, beginning with "…" if anything is left out."""
    kept: list[str] = []
    for line in reversed(text.split("\n")):
        free = rows - sum(map(_rows, kept))
        if _rows(line) > free:
            return "…" + "\n".join([_fitting(line[::-1], free)[::-1], *kept] if free else kept)
        kept.insert(0, line)
    return text


def row_count(text: str) -> int:
    """How many rows ``text`` takes."""
    return sum(map(_rows, text.split("\n")))


def _fitting(line: str, rows: int) -> str:
    """The beginning of ``line`` that fits into ``rows`` rows together with "…"."""
    ends = list(accumulate(map(_columns, line)))
    return line[: bisect_right(ends, rows * COLUMNS - 1)]


def _rows(line: str) -> int:
    # Most lines are ASCII, and each of its characters takes one column.
    columns = len(line) if line.isascii() else sum(map(_columns, line))
    return max(1, ceil(columns / COLUMNS))


def _columns(character: str) -> int:
    if category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if east_asian_width(character) in "WF" else 1
