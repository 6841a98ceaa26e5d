"""The words a community has blocked. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field
from typing import Self

import ahocorasick
import regex

from bot.moderation.folding import flags_read, plainly
from bot.moderation.lookalikes import latin, unmasked

COMMENT = "#"

# Characters that continue a word. Modifier letters do not: cards put one in place of each backtick.
_PART_OF_WORD = r"[\p{L}\p{M}\p{N}--\p{Lm}]"
# Scripts written without spaces between words.
_UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
_BEGINNING = regex.compile(rf"(?V1)(?<!{_PART_OF_WORD})|(?=[{_UNSPACED}--\p{{M}}])")
_END = regex.compile(rf"(?V1)(?!{_PART_OF_WORD})|(?<={_UNSPACED}\p{{M}}*)(?!\p{{M}})")


@dataclass(frozen=True, slots=True)
class BlockedWords:
    """Words and phrases to look for in texts; none by default.

    A word is found in any case and any Unicode form, even with invisible characters inside
    it or look-alike letters of another script, but only as a whole word: *ass* is not in
    *class*. The words of a phrase may be separated by any white space.
    """

    words: frozenset[str] = frozenset()  # in the form of plainly()
    _plain: _Finder = field(init=False, repr=False, compare=False)
    _mixed: _Finder = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # How a word in another script looks if some of its letters are replaced by Latin ones.
        alike = {plainly(latin(form)) for word in self.words for form in (word, word.upper())}
        object.__setattr__(self, "_plain", _Finder(self.words))
        object.__setattr__(self, "_mixed", _Finder(self.words | alike))

    @classmethod
    def read(cls, lines: Iterable[str]) -> Self:
        """Read one word or phrase per line; blank lines and those that begin with ``#`` are skipped."""
        given = [line for line in lines if not line.lstrip().startswith(COMMENT)]
        # Some capitals have another letter as their small form: in Turkish, I has ı.
        return cls(frozenset(filter(None, map(plainly, (*given, *map(str.upper, given))))))

    def __bool__(self) -> bool:
        return bool(self.words)

    def in_text(self, text: str, *, but: Set[str] = frozenset()) -> bool:
        """Whether ``text`` contains a blocked word other than those in ``but``.

        The text may contain lone surrogates. The time taken depends on its length, and hardly
        on the number of words.
        """
        return any(word not in but for word in self.found(text))

    def found(self, text: str) -> Iterator[str]:
        """Every occurrence of a blocked word in ``text``, in the form of :func:`plainly`."""
        if not self.words:
            return
        yield from self._plain.found(plainly(text))
        if (shown := unmasked(text)) is not None:
            yield from self._mixed.found(plainly(shown))
        if (spelt := flags_read(text)) is not None:
            yield from self._plain.found(plainly(spelt))


class _Finder:
    """Finds all ``words`` in one pass; words and texts are in the form of :func:`plainly`."""

    def __init__(self, words: Iterable[str]) -> None:
        self._automaton = ahocorasick.Automaton()
        for word in words:
            self._automaton.add_word(word, word)
        self._automaton.make_automaton()

    def found(self, shown: str) -> Iterator[str]:
        for last, word in self._automaton.iter(shown):
            start, end = last + 1 - len(word), last + 1
            if _END.match(shown, end) and _BEGINNING.match(shown, start):
                yield word
