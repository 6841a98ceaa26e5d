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
_BEGINNING = regex.compile(rf"(?V1)(?<!{_PART_OF_WORD})|(?={_UNSPACED})")
_END = regex.compile(rf"(?V1)(?!{_PART_OF_WORD})|(?<={_UNSPACED})")
_UNSEEN = regex.compile(r"[\p{Default_Ignorable_Code_Point}\p{Cf}]+")
_SPACE = regex.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class BlockedWords:
    """Words and phrases that are looked for in texts; none by default.

    A word is found in any case and any of Unicode's forms, also where characters
    that nobody sees are within it, but only as a whole: *ass* is not in *class*.
    The words of a phrase may have white space of any kind between them.
    """

    words: frozenset[str] = frozenset()  # as plainly() writes them

    @classmethod
    def read(cls, lines: Iterable[str]) -> Self:
        """One word or phrase a line; what is blank or begins with ``#`` is none."""
        given = (line for line in lines if not line.lstrip().startswith(COMMENT))
        return cls(frozenset(filter(None, map(plainly, given))))

    def __bool__(self) -> bool:
        return bool(self.words)

    def in_text(self, text: str) -> bool:
        """Whether any of the words is in ``text``, which may have lone surrogates.

        How long that takes depends on the text, and not on how many words there are.
        """
        if not self.words:
            return False
        shown = plainly(text)
        lengths = sorted(set(map(len, self.words)))
        return any(
            shown[start : start + length] in self.words and _END.match(shown, start + length)
            for start in (place.start() for place in _BEGINNING.finditer(shown))
            for length in lengths
        )


def plainly(text: str) -> str:
    """``text`` in lower case and one form, without unseen characters, with single spaces."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return _SPACE.sub(" ", _UNSEEN.sub("", folded)).strip()
