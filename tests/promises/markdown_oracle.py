"""What Discord would act on in a text: an independent parser of its markdown.

It knows nothing of how the bot escapes texts: it removes code and escaped signs from
left to right, as Discord does, and names every mark that is left.
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
    | (?P<open>`)                                              # code without an end
    | (?P<heading>^\#{1,3}[ \t])
    | (?P<subtext>^-\#[ \t])
    | (?P<quote>^[ \t]*>(?:>>)?[ \t])
    | (?P<list>^[ \t]*(?:[-+]|\d+\.)[ \t])
    """,
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)
_HARMLESS = frozenset({"fence", "code", "escaped"})
# The markup that cards themselves use.
_CARD_MARKS = frozenset({"strong", "spoiler", "heading", "subtext"})
_BIDI_CONTROLS = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
_ISOLATE, _POP = "\u2068", "\u2069"


def active_marks(markup: str) -> list[str]:
    """Every mark in ``markup`` that Discord would act on."""
    return [name for name, _ in _found(markup)] + list(_unsafe(markup))


def escapes(markup: str, *, people: frozenset[int]) -> list[str]:
    """The marks in a card's ``markup`` that are not the card's own, and so come from a text.

    Mentions of ``people`` are the card's own; other mentions are not.
    """
    found = [
        name
        for name, mark in _found(markup)
        if name not in _CARD_MARKS and not (name == "mention" and _person(mark) in people)
    ]
    marks = Counter(name for name, _ in _found(markup))
    found += [pair for pair in ("strong", "spoiler") if marks[pair] % 2]
    if markup.count(_ISOLATE) != markup.count(_POP):
        found.append("isolate")
    return found + list(_unsafe(markup.replace(_ISOLATE, "").replace(_POP, "")))


def unsafe_characters(label: str) -> list[str]:
    """The characters in an unformatted text, such as a button's label, that must not be there."""
    return list(_unsafe(label.replace(_ISOLATE, "").replace(_POP, "")))


def _found(markup: str) -> Iterator[tuple[str, str]]:
    for match in _MARKS.finditer(markup):
        name = match.lastgroup if match.lastgroup != "ticks" else "code"
        if name is not None and name not in _HARMLESS:
            yield name, match[0]


def _person(mention: str) -> int | None:
    match = re.fullmatch(r"<@(\d+)>", mention)
    return int(match[1]) if match else None


def _unsafe(text: str) -> Iterator[str]:
    """Surrogates, control characters, and those that change the direction of a line."""
    for character in text:
        category = unicodedata.category(character)
        if category == "Cs":
            yield "surrogate"
        elif category in {"Zl", "Zp"} or (category == "Cc" and character not in "\n\t"):
            yield "control"
        elif unicodedata.bidirectional(character) in _BIDI_CONTROLS:
            yield "bidi"
