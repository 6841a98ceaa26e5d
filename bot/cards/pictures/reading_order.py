"""Which way each part of a text reads, by Unicode's bidirectional algorithm.

A text in pieces stays in pieces: each piece moves as a whole, and so do the characters
within it. Levels are the algorithm's: even ones read from left to right, odd ones from
right to left, and a higher level is nested in the lower one around it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from operator import itemgetter
from typing import TypeVar

import regex
from bidi import get_display

from bot.text.escaping import NEWLINE_SIGN, SPACE_SIGN, TAB_SIGN

Item = TypeVar("Item")

_RIGHT_TO_LEFT = regex.compile(r"[\p{Bidi_Class=R}\p{Bidi_Class=AL}\p{Bidi_Class=AN}]")
# How bot.text.escaping shows an invisible character; it reads from left to right everywhere.
_SIGN = regex.compile(r"⟨U\+[0-9A-F]{4,6}⟩|\\x[0-9A-F]{2}")
_NEUTRAL = "\N{OBJECT REPLACEMENT CHARACTER}"
# The other signs stand for characters that matter to the algorithm.
_MEANT = str.maketrans({SPACE_SIGN: " ", TAB_SIGN: "\t", NEWLINE_SIGN: "\n"})
_STRONG = frozenset({"L", "R", "AL"})
_DIRECTED = _STRONG | {"EN", "AN"}
_LEVEL = regex.compile(r"Level\(\s*(\d+)")


@dataclass(frozen=True, slots=True)
class Directed:
    """A piece of a text, its own level, and its characters' levels, none of them lower.

    ``ends`` are the levels at which the surrounding text continues: the space in ``␣Paris``
    belongs to the sentence, though it is drawn with the word.
    """

    text: str
    level: int
    levels: tuple[int, ...]
    ends: tuple[int, int]


@dataclass(frozen=True, slots=True)
class ReadingOrder:
    """A text's pieces, and whether its lines start at the right."""

    from_right: bool
    pieces: tuple[Directed, ...]


def reading_order(texts: Sequence[str]) -> ReadingOrder:
    """Find the direction of each piece of a text; pieces are in their visible form.

    See :func:`bot.text.escaping.visible`.
    """
    whole = "".join(texts)
    if not _RIGHT_TO_LEFT.search(whole):
        return ReadingOrder(False, tuple(map(from_left, texts)))
    signs = [match.span() for match in _SIGN.finditer(whole)]
    plain = _SIGN.sub(lambda match: _NEUTRAL * len(match[0]), whole).translate(_MEANT)
    base = _first_strong(plain, otherwise=0)
    levels = [level for line in plain.splitlines(keepends=True) for level in _levels(line, base)]
    for start, end in signs:
        levels[start:end] = [level + level % 2 for level in levels[start:end]]
    ends = list(accumulate(map(len, texts)))
    starts = [0, *ends[:-1]]
    spans = zip(texts, starts, ends, strict=True)
    return ReadingOrder(
        base == 1, tuple(_directed(text, plain[start:end], levels[start:end]) for text, start, end in spans)
    )


def from_left(text: str) -> Directed:
    """Treat ``text`` as left-to-right, whatever it contains."""
    return Directed(text, 0, (0,) * len(text), (0, 0))


def visual_pieces(items: Iterable[Item], piece: Callable[[Item], Directed]) -> list[Item]:
    """Return the items of one line from left to right; ``piece`` gives an item's direction."""
    places: list[tuple[Item | None, int]] = []
    for item in items:
        shown = piece(item)
        start, end = shown.ends
        places += [(None, start), (item, shown.level), (None, end)]
    return [item for item, _ in visual(places, itemgetter(1)) if item is not None]


def visual(items: Iterable[Item], level: Callable[[Item], int]) -> list[Item]:
    """Return the items of one line from left to right (the algorithm's rule L2)."""
    shown = list(items)
    found = {level(item) for item in shown}
    lowest_odd = min((one for one in found if one % 2), default=0)
    for threshold in range(max(found), lowest_odd - 1, -1) if lowest_odd else ():
        shown = list(_reversed_from(threshold, shown, level))
    return shown


def _reversed_from(threshold: int, items: list[Item], level: Callable[[Item], int]) -> Iterator[Item]:
    for high, stretch in groupby(items, key=lambda item: level(item) >= threshold):
        yield from list(stretch)[:: -1 if high else 1]


def _directed(text: str, plain: str, levels: list[int]) -> Directed:
    """Give a piece the direction of its letters and digits; spaces and brackets don't count."""
    leading = [
        level
        for character, level in zip(plain, levels, strict=True)
        if unicodedata.bidirectional(character) in _DIRECTED
    ]
    own = min(leading or levels, default=0)
    ends = (levels[0], levels[-1]) if levels else (own, own)
    return Directed(text, own, tuple(max(level, own) for level in levels), ends)


def _levels(line: str, around: int) -> list[int]:
    """Return a paragraph's levels; it has its own direction within a text of level ``around``."""
    base = _first_strong(line, otherwise=around)
    simple = not base and not _RIGHT_TO_LEFT.search(line)
    levels = [0] * len(line) if simple else _resolved(line, base)
    return [level + 2 * (around > base) for level in levels]


def _first_strong(text: str, *, otherwise: int) -> int:
    """Return the level of the first strong character (the algorithm's rules P2 and P3)."""
    classes = map(unicodedata.bidirectional, text)
    return next((int(found != "L") for found in classes if found in _STRONG), otherwise)


def _resolved(line: str, base: int) -> list[int]:
    # python-bidi reports levels, one per byte, only in its debugging output.
    known = line.encode("utf-8", errors="replace").decode()
    account = get_display(known, base_dir="LR"[base], debug=True)
    _, _, listed = account.partition("\n    levels: [")
    listed, _, _ = listed.partition("\n    paragraphs: [")
    levels = [int(level) for level in _LEVEL.findall(listed)]
    ends = accumulate(len(character.encode()) for character in known)
    return [levels[end - 1] for end in ends]
