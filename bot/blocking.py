"""The words that a community does not want to read. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import regex

COMMENT = "#"

# What goes on with a word. Not so a modifier letter: cards have one in place of each backtick.
_PART_OF_WORD = r"[\p{L}\p{M}\p{N}--\p{Lm}]"
# Scripts that are written without a space between two words.
_UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
_BEGINNING = rf"(?:(?<!{_PART_OF_WORD})|(?={_UNSPACED}))"
_END = rf"(?:(?!{_PART_OF_WORD})|(?<={_UNSPACED}))"
_UNSEEN = regex.compile(r"[\p{Default_Ignorable_Code_Point}\p{Cf}]+")
_SPACE = regex.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class BlockedWords:
    """Words and phrases that are looked for in texts; none by default.

    A word is found in any case and any of Unicode's forms, also where characters
    that nobody sees are within it, but only as a whole: *ass* is not in *class*.
    The words of a phrase may have white space of any kind between them.
    """

    pattern: regex.Pattern[str] | None = None

    @classmethod
    def read(cls, lines: Iterable[str]) -> Self:
        """One word or phrase a line; what is blank or begins with ``#`` is none."""
        given = (line for line in lines if not line.lstrip().startswith(COMMENT))
        words = frozenset(filter(None, map(plainly, given)))
        return cls(regex.compile(rf"(?V1){_BEGINNING}\L<words>{_END}", words=words) if words else None)

    def __bool__(self) -> bool:
        return self.pattern is not None

    def in_text(self, text: str) -> bool:
        """Whether any of the words is in ``text``, which may have lone surrogates."""
        return self.pattern is not None and self.pattern.search(plainly(text)) is not None


def plainly(text: str) -> str:
    """``text`` in lower case and one form, without unseen characters, with single spaces."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return _SPACE.sub(" ", _UNSEEN.sub("", folded)).strip()
