"""The words that a community does not want to read. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field
from typing import Self

import ahocorasick
import regex

from bot.moderation.folding import flags_read, plainly
from bot.moderation.lookalikes import latin, unmasked

COMMENT = "#"

# What goes on with a word. Not so a modifier letter: cards have one in place of each backtick.
_PART_OF_WORD = r"[\p{L}\p{M}\p{N}--\p{Lm}]"
# Scripts that are written without a space between two words.
_UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
_BEGINNING = regex.compile(rf"(?V1)(?<!{_PART_OF_WORD})|(?=[{_UNSPACED}--\p{{M}}])")
_END = regex.compile(rf"(?V1)(?!{_PART_OF_WORD})|(?<={_UNSPACED}\p{{M}}*)(?!\p{{M}})")


@dataclass(frozen=True, slots=True)
class BlockedWords:
    """Words and phrases that are looked for in texts; none by default.

    A word is found in any case and any of Unicode's forms, also where characters
    that nobody sees are within it, or letters of another script that look like its
    own; but only as a whole: *ass* is not in *class*. The words of a phrase may have
    white space of any kind between them.
    """

    words: frozenset[str] = frozenset()  # as plainly() writes them
    _plain: _Finder = field(init=False, repr=False, compare=False)
    _mixed: _Finder = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # What a word in another script looks like where some of its letters are Latin.
        alike = {plainly(latin(form)) for word in self.words for form in (word, word.upper())}
        object.__setattr__(self, "_plain", _Finder(self.words))
        object.__setattr__(self, "_mixed", _Finder(self.words | alike))

    @classmethod
    def read(cls, lines: Iterable[str]) -> Self:
        """One word or phrase a line; what is blank or begins with ``#`` is none."""
        given = [line for line in lines if not line.lstrip().startswith(COMMENT)]
        # Of some capitals the small form is another letter: in Turkish that of I is ı.
        return cls(frozenset(filter(None, map(plainly, (*given, *map(str.upper, given))))))

    def __bool__(self) -> bool:
        return bool(self.words)

    def in_text(self, text: str, *, but: Set[str] = frozenset()) -> bool:
        """Whether any of the words but those in ``but`` is in ``text``, which may have lone surrogates.

        How long that takes depends on the text, and hardly on how many words there are.
        """
        return any(word not in but for word in self.found(text))

    def found(self, text: str) -> Iterator[str]:
        """Those that are in ``text``, each as often as it is, as :func:`plainly` writes them."""
        if not self.words:
            return
        yield from self._plain.found(plainly(text))
        if (shown := unmasked(text)) is not None:
            yield from self._mixed.found(plainly(shown))
        if (spelt := flags_read(text)) is not None:
            yield from self._plain.found(plainly(spelt))


class _Finder:
    """Finds ``words`` in texts, all of them as :func:`plainly` writes them, in one pass."""

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
