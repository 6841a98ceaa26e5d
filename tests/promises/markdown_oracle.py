"""What Discord would act on in a text: an independent reader of its markdown.

It knows nothing of how the bot disarms texts: it takes away code and escaped signs
from left to right, as Discord does, and names every mark that is left.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

# One pass; the name of the group that matched says what was found.
_MARKS = re.compile(
    r"""
      (?P<fence>```.+?```)
    | (?P<code>(?P<ticks>`+).*?[^`](?P=ticks)(?!`))
    | (?P<escaped>\\[^0-9A-Za-z\s])
    | (?P<everyone>@(?:everyone|here))
    | (?P<mention><(?:@[!&]?|\#)\d+>|<id:\w+>)
    | (?P<angle><(?:a?:\w|t:-?\d|/\w|[\w.+-]+:|\+\d|[\w.]+@))  # emoji, time, command, links
    | (?P<link>\[)
    | (?P<url>[A-Za-z][A-Za-z0-9+.-]*://)
    | (?P<emoji>:[\w~+-]+:)
    | (?P<spoiler>\|\|)
    | (?P<struck>~~)
    | (?P<strong>\*\*)
    | (?P<underlined>__)
    | (?P<emphasis>\*|(?<!\w)_|_(?!\w))
    | (?P<open>`)                                              # code that does not end
    | (?P<heading>^\#{1,3}[ \t])
    | (?P<subtext>^-\#[ \t])
    | (?P<quote>^[ \t]*>(?:>>)?[ \t])
    | (?P<list>^[ \t]*(?:[-+]|\d+\.)[ \t])
    """,
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)
_HARMLESS = frozenset({"fence", "code", "escaped"})
# What the cards themselves are made of.
_FORMAT = frozenset({"strong", "heading", "subtext"})
_TURNING = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
_ISOLATE, _POP = "\u2068", "\u2069"


def active(markup: str) -> list[str]:
    """Every mark in ``markup`` that Discord would act on."""
    return [name for name, _ in _found(markup)] + list(_unseen(markup))


def escapes(markup: str, *, people: frozenset[int]) -> list[str]:
    """What a text has made of a card's markup that is none of the card's own marks.

    The card may name ``people``, but only by what pings one person, and nobody else.
    """
    found = [
        name
        for name, mark in _found(markup)
        if name not in _FORMAT and not (name == "mention" and _person(mark) in people)
    ]
    if Counter(name for name, _ in _found(markup))["strong"] % 2:
        found.append("strong")
    if markup.count(_ISOLATE) != markup.count(_POP):
        found.append("isolate")
    return found + list(_unseen(markup.replace(_ISOLATE, "").replace(_POP, "")))


def unclean(label: str) -> list[str]:
    """What may not be in a text that has no formatting, such as a button's."""
    return list(_unseen(label.replace(_ISOLATE, "").replace(_POP, "")))


def _found(markup: str) -> Iterator[tuple[str, str]]:
    for match in _MARKS.finditer(markup):
        name = match.lastgroup if match.lastgroup != "ticks" else "code"
        if name is not None and name not in _HARMLESS:
            yield name, match[0]


def _person(mention: str) -> int | None:
    match = re.fullmatch(r"<@(\d+)>", mention)
    return int(match[1]) if match else None


def _unseen(text: str) -> Iterator[str]:
    """What a terminal obeys, what turns the line around, and what is no character at all."""
    for character in text:
        category = unicodedata.category(character)
        if category == "Cs":
            yield "surrogate"
        elif category in {"Zl", "Zp"} or (category == "Cc" and character not in "\n\t"):
            yield "control"
        elif unicodedata.bidirectional(character) in _TURNING:
            yield "bidi"
