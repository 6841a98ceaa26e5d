"""The vocabulary of an encoding: find tokens by their text, their beginning, or their id. Pure.

Tokens are compared as they are shown, with white space and bytes drawn as signs
(:func:`bot.text.escaping.visible`), so anything on a card can be typed or copied.
"""

from __future__ import annotations

import heapq
import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from bot.text.escaping import SPACE_SIGN, visible
from bot.text.numbers import whole_number

END_OF_TEXT = 50_256  # GPT-2's only token that is not text

_LAST = "\U0010ffff"
# GPT-2's files spell a byte that cannot be printed as the next letter from U+0100 on.
_PRINTABLE = [byte for byte in range(256) if chr(byte).isprintable() and chr(byte) != " "]
_OTHERS = [byte for byte in range(256) if byte not in _PRINTABLE]
_BYTES = {chr(byte): byte for byte in _PRINTABLE} | {
    chr(256 + place): byte for place, byte in enumerate(_OTHERS)
}
_SENTENCEPIECE_SPACE = "▁"
_ID = re.compile(r"(#\d+|0|[1-9][0-9]{0,8})")


@dataclass(frozen=True, slots=True)
class Found:
    """The token that a query means.

    ``exact`` if the token is the whole query, by text or by id; otherwise it is the most
    frequent token that begins with ``stem``, which has no leading space. ``other_case`` if
    it matches only when case is ignored; a whole match comes first then. ``spelt`` is the
    token whose text is the query's number, where the number was taken as an id.
    """

    token_id: int
    stem: str
    exact: bool = True
    other_case: bool = False
    spelt: int | None = None


class _Sorted:
    """Forms, searchable by their beginnings."""

    def __init__(self, forms: tuple[str, ...]) -> None:
        self._forms = forms
        self._order = array("I", sorted(range(len(forms)), key=forms.__getitem__))

    def exactly(self, form: str) -> array[int]:
        """The ids of the tokens that look like ``form``."""
        return self._order[self._place(form) : bisect_right(self._order, form, key=self._forms.__getitem__)]

    def beginning(self, form: str) -> array[int]:
        """The ids of the tokens that begin with ``form``."""
        return self._order[self._place(form) : self._place(form + _LAST)]

    def _place(self, form: str) -> int:
        return bisect_left(self._order, form, key=self._forms.__getitem__)


class Vocabulary:
    """All tokens; ``forms`` is how each looks, in the order of their ids, without duplicates.

    Holds only strings and numbers, which the garbage collector need not scan.
    """

    def __init__(self, forms: Iterable[str]) -> None:
        self._forms = tuple(forms)
        self._sorted = _Sorted(self._forms)
        self._folded = _Sorted(tuple(form.casefold() for form in self._forms))

    def __len__(self) -> int:
        return len(self._forms)

    def __getitem__(self, token_id: int) -> str:
        """How a token looks."""
        return self._forms[token_id]

    def find(self, query: str) -> Found | None:
        """The token that ``query`` means: an id, a token's text, or the beginning of one.

        A leading space may be missing, since Discord strips it. A word means the token with a
        space, as within a sentence; the one without also ends longer words. Failing that, the query
        is read as other tools spell tokens, then as an id with leading zeros, then in any case. None
        if nothing matches.
        """
        exact = self._meant(query)
        if (token_id := self._by_id(query)) is not None:
            return Found(token_id, self.stem(token_id), spelt=exact[0] if exact else None)
        elsewhere = _spelled_elsewhere(query)
        for spelt in (exact, *map(self._spelt, elsewhere)):
            if spelt:
                return Found(spelt[0], self.stem(spelt[0]))
        for form in (_form(query), *map(_form, elsewhere)):
            if beginning := self.beginning(form):
                return Found(min(beginning), _stem(form), exact=False)
        if (token_id := self._numbered(query)) is not None:
            return Found(token_id, self.stem(token_id))
        return self._in_another_case(_form(query))

    def suggest(self, query: str, limit: int) -> list[int]:
        """Suggestions while someone types: matches by id, by text, then by beginning."""
        by_id, elsewhere = self._by_id(query), _spelled_elsewhere(query)
        first = [*([] if by_id is None else [by_id]), *self._meant(query)]
        longer = self.beginning(_form(query))
        if not (first or longer):
            longer = [token_id for reading in elsewhere for token_id in self.beginning(_form(reading))]
            first = [token_id for reading in elsewhere for token_id in self._spelt(reading)]
        if not (first or longer):
            numbered = self._numbered(query)
            longer = self._folded_beginning(_form(query)) if numbered is None else [numbered]
        return list(dict.fromkeys([*first, *heapq.nsmallest(limit, longer)]))[:limit]

    def stem(self, token_id: int) -> str:
        """How a token looks without its leading space."""
        return _stem(self._forms[token_id])

    def beginning(self, stem: str) -> list[int]:
        """The tokens that begin with ``stem``, with or without a leading space, in no order."""
        return [token_id for form in _readings(stem) for token_id in self._sorted.beginning(form)]

    def neighbours(self, token_id: int, *, each_side: int) -> range:
        """The ids around this one, itself included."""
        return range(max(0, token_id - each_side), min(len(self), token_id + each_side + 1))

    def twin(self, token_id: int) -> int | None:
        """The token that differs only in its leading space, if there is one."""
        form = self._forms[token_id]
        return self._exactly(form[1:] if form.startswith(SPACE_SIGN) else SPACE_SIGN + form)

    def _in_another_case(self, form: str) -> Found | None:
        folded = form.casefold()
        whole = [token_id for reading in _readings(folded) for token_id in self._folded.exactly(reading)]
        beginning = whole or self._folded_beginning(form)
        if not beginning:
            return None
        stem = self.stem(min(beginning))
        ends = (end for end in range(len(stem)) if stem[:end].casefold().startswith(_stem(folded)))
        return Found(min(beginning), stem[: next(ends, len(stem))], exact=False, other_case=True)

    def _folded_beginning(self, form: str) -> list[int]:
        readings = _readings(form.casefold())
        return [token_id for reading in readings for token_id in self._folded.beginning(reading)]

    def _by_id(self, query: str) -> int | None:
        """The id, if ``query`` is written as ids are; other numbers may be text."""
        match = _ID.fullmatch(query.strip())
        return self._numbered(match[1]) if match else None

    def _numbered(self, query: str) -> int | None:
        return whole_number(query.removeprefix("#"), highest=len(self) - 1)

    def _meant(self, query: str) -> list[int]:
        """The tokens that ``query`` spells: for a word the one with a leading space first."""
        spelt = self._spelt(query)
        return spelt[::-1] if query[:1].isalpha() else spelt

    def _spelt(self, query: str) -> list[int]:
        """The token that ``query`` spells, and the one with a leading space."""
        forms = _readings(visible(query))
        return [token_id for form in forms if (token_id := self._exactly(form)) is not None]

    def _exactly(self, form: str) -> int | None:
        return next(iter(self._sorted.exactly(form)), None)


def _readings(form: str) -> tuple[str, ...]:
    """The forms that someone who typed ``form`` may mean: Discord strips leading spaces."""
    return (form,) if form.startswith(SPACE_SIGN) else (form, SPACE_SIGN + form)


def _form(query: str) -> str:
    """How a token looks that is, or begins with, the query."""
    return visible(query) or SPACE_SIGN


def _stem(form: str) -> str:
    """``form`` without its leading space; a lone space stays."""
    return form.removeprefix(SPACE_SIGN) or form


def _spelled_elsewhere(spelling: str) -> list[str]:
    """The texts that ``spelling`` may stand for in other tools, itself excepted.

    A space is written there as Ġ or ▁, and each byte as a letter of its own: GPT-2's
    ``vocab.json`` has ``Ġwill`` for " will" and ``Ã©`` for the two bytes of "é". Bytes
    that form no character become lone surrogates.
    """
    read = [spelling.replace(_SENTENCEPIECE_SPACE, " ")]
    # A single letter of Latin-1 is more likely itself than a byte.
    if all(letter in _BYTES for letter in spelling) and (len(spelling) > 1 or spelling > "\xff"):
        read.append(bytes(map(_BYTES.__getitem__, spelling)).decode(errors="surrogateescape"))
    return [text for text in read if text != spelling]
