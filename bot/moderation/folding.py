"""One form for every way to write the same word. Pure."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import regex

# Characters that do not change how a word reads: invisible ones, marks over and around letters,
# the vowel signs of Arabic and Hebrew, and the stroke that widens Arabic words.
_UNREAD = regex.compile(
    r"(?V1)[\p{Default_Ignorable_Code_Point}\p{Cf}[\p{Cc}--\s]\p{Me}\p{ccc=1}\u0640"
    r"\u064B-\u0652\u0656-\u065F\u0670\u06D6-\u06DC\u06DF-\u06E4\u06E7\u06E8\u06EA-\u06ED"
    r"\u0591-\u05BD\u05BF\u05C1\u05C2\u05C4\u05C5\u05C7"
    r"\u1AB0-\u1AFF\u1DC0-\u1DFF\u20D0-\u20F0\uFE20-\uFE2F]+"
)
_UNREAD_ASCII = re.compile(r"[\x00-\x08\x0E-\x1B\x7F]+")
# A second dot over a letter is invisible: İ is an i with two.
_DOT = "\u0307"
_SECOND_DOT = regex.compile(rf"(?V1)(\p{{Soft_Dotted}}[\p{{M}}--\p{{ccc=230}}]*){_DOT}+")
# Accents that form no letter with what precedes them: strokes, piles of marks, stress.
_ACCENTS = re.compile(r"[\u0300-\u036F]+")
_TRAILING = "HANGUL JONGSEONG "
# Letters inside signs that Unicode does not declare compatible with them, by name.
_IN_A_SIGN = re.compile(
    r"(?:(?:NEGATIVE )?(?:SQUARED|CIRCLED)|PARENTHESIZED) LATIN (?:CAPITAL|SMALL) LETTER ([A-Z])"
    r"|LATIN LETTER SMALL CAPITAL ([A-Z]|AE|OE)"
)
# Characters that keyboards and word processors substitute for one another.
_ALIKE = (
    dict.fromkeys("\u2018\u2019\u201b\u02bb\u02bc\u2032\u00b4\ua78c", "'")
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2212", "-")
    | {"œ": "oe", "æ": "ae", "\u2800": " "}
)
_REGIONAL = range(0x1F1E6, 0x1F200)
_FLAGS = re.compile(f"[{chr(_REGIONAL[0])}-{chr(_REGIONAL[-1])}]")
_FLAG_LETTERS = {code: chr(ord("a") + number) for number, code in enumerate(_REGIONAL)}


def plainly(text: str) -> str:
    """``text`` in lower case and one form, without unread characters, with single spaces.

    Letters and their marks are decomposed, so they match no matter what stood between them.
    """
    if text.isascii():
        folded = _UNREAD_ASCII.sub("", text).lower()
    else:
        folded = unicodedata.normalize("NFD", text.translate(_Folded()))
        if _DOT in folded:
            folded = _SECOND_DOT.sub(r"\1", folded)
        if _ACCENTS.search(folded):
            folded = unicodedata.normalize("NFD", _without_stray_accents(folded))
    return " ".join(folded.split())


def as_read(text: str) -> str:
    """``text`` in its own case, with one form for each letter and without unread characters."""
    bare = _UNREAD.sub("", unicodedata.normalize("NFKC", text))
    return _without_stray_accents(unicodedata.normalize("NFKC", bare))


def flags_read(text: str) -> str | None:
    """``text`` with letters for the signs that make up flags; None if it has no such sign."""
    return text.translate(_FLAG_LETTERS) if _FLAGS.search(text) else None


def _without_stray_accents(text: str) -> str:
    return _ACCENTS.sub("", unicodedata.normalize("NFC", text))


class _Folded(dict[int, str]):
    """The folded form of each character, computed on first use."""

    def __missing__(self, code: int) -> str:
        folded = self[code] = _fold(chr(code))
        return folded


@lru_cache(maxsize=2**14)
def _fold(character: str) -> str:
    while (folded := _once(character)) != character:
        character = folded
    return character


def _once(text: str) -> str:
    letters = "".join(map(_letter, text))
    bare = _UNREAD.sub("", unicodedata.normalize("NFKD", letters).casefold())
    return "".join(map(_leading, unicodedata.normalize("NFKD", bare)))


def _letter(character: str) -> str:
    """The letter or digit that a sign reads as, in any frame and any script."""
    if (alike := _ALIKE.get(character)) is not None:
        return alike
    if match := _IN_A_SIGN.fullmatch(unicodedata.name(character, "")):
        return match[1] or match[2]
    digit = unicodedata.digit(character, None)
    return character if digit is None else str(digit)


def _leading(character: str) -> str:
    """A trailing Korean consonant as the leading one, which looks the same when typed alone."""
    name = unicodedata.name(character, "")
    if not name.startswith(_TRAILING):
        return character
    sounds = name.removeprefix(_TRAILING).split("-")
    try:
        return "".join(unicodedata.lookup(f"HANGUL CHOSEONG {sound}") for sound in sounds)
    except KeyError:  # an obsolete letter
        return character
