"""The vocabulary of an encoding: find tokens by their text, its beginning, or their id. Pure.

Tokens are compared as they are shown, with white space and bytes drawn as signs
(:func:`bot.text.visible`), so whatever a card shows can be typed or copied.
"""

from __future__ import annotations

import heapq
import re
from array import array
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass

from bot.text import SPACE_SIGN, visible

END_OF_TEXT = 50_256  # the one token of GPT-2's that is no piece of a text

_LAST = "\U0010ffff"
_ID = re.compile(r"#?(0|[1-9][0-9]{0,8})")


@dataclass(frozen=True, slots=True)
class Found:
    """``token_id`` is what was asked for, or, where nothing is ``exact``, the most frequent that begins so.

    ``stem`` is how it begins, without a space. ``spelt`` is the token that a number
    is as a text, where it was taken for an id.
    """

    token_id: int
    stem: str
    exact: bool = True
    spelt: int | None = None


class Vocabulary:
    """All tokens; ``forms`` are what they look like, in the order of their ids, no two alike.

    Holds plain strings and numbers, for the garbage collector has to look through all else.
    """

    def __init__(self, forms: Iterable[str]) -> None:
        self._forms = tuple(forms)
        self._sorted = array("I", sorted(range(len(self._forms)), key=self._forms.__getitem__))

    def __len__(self) -> int:
        return len(self._forms)

    def __getitem__(self, token_id: int) -> str:
        """What a token looks like."""
        return self._forms[token_id]

    def find(self, query: str) -> Found | None:
        """The token that ``query`` means: an id, a token's text, or the beginning of one.

        A space before it may be left out, for Discord takes it away. None if no token begins so.
        """
        exact = self._spelt(query)
        if (token_id := self._by_id(query)) is not None:
            return Found(token_id, self.stem(token_id), spelt=exact[0] if exact else None)
        if exact:
            return Found(exact[0], self.stem(exact[0]))
        form = visible(query) or SPACE_SIGN
        beginning = self.beginning(form)
        return Found(min(beginning), _stem(form), exact=False) if beginning else None

    def suggest(self, query: str, limit: int) -> list[int]:
        """Tokens for somebody who is still typing: what it is as an id, as a text, as a beginning."""
        by_id = self._by_id(query)
        first = [*([] if by_id is None else [by_id]), *self._spelt(query)]
        longer = heapq.nsmallest(limit, self.beginning(visible(query) or SPACE_SIGN))
        return list(dict.fromkeys([*first, *longer]))[:limit]

    def stem(self, token_id: int) -> str:
        """What a token looks like without the space before it."""
        return _stem(self._forms[token_id])

    def beginning(self, stem: str) -> list[int]:
        """The tokens that begin with ``stem``, also behind a space, in no order."""
        return [
            token_id
            for form in _readings(stem)
            for token_id in self._sorted[self._place(form) : self._place(form + _LAST)]
        ]

    def neighbours(self, token_id: int, *, each_side: int) -> range:
        """The ids around this one, itself among them."""
        return range(max(0, token_id - each_side), min(len(self), token_id + each_side + 1))

    def twin(self, token_id: int) -> int | None:
        """The token that differs from this one by the space before it, if there is one."""
        form = self._forms[token_id]
        return self._exactly(form[1:] if form.startswith(SPACE_SIGN) else SPACE_SIGN + form)

    def _by_id(self, query: str) -> int | None:
        match = _ID.fullmatch(query.strip())
        return int(match[1]) if match and int(match[1]) < len(self) else None

    def _spelt(self, query: str) -> list[int]:
        """The token that ``query`` spells, and the one with a space before it."""
        forms = _readings(visible(query))
        return [token_id for form in forms if (token_id := self._exactly(form)) is not None]

    def _exactly(self, form: str) -> int | None:
        place = self._place(form)
        if place < len(self) and self._forms[self._sorted[place]] == form:
            return self._sorted[place]
        return None

    def _place(self, form: str) -> int:
        return bisect_left(self._sorted, form, key=self._forms.__getitem__)


def _readings(form: str) -> tuple[str, ...]:
    """What somebody may mean who typed ``form``, for Discord takes a space before it away."""
    return (form,) if form.startswith(SPACE_SIGN) else (form, SPACE_SIGN + form)


def _stem(form: str) -> str:
    """``form`` without the space before it; a lone space is one itself."""
    return form.removeprefix(SPACE_SIGN) or form
