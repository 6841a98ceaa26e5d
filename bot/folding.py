"""One form for all ways to write the same word. Pure."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import regex

# What changes nothing of how a word is read: characters that nobody sees, what is drawn
# over and around letters, Arabic's and Hebrew's signs for vowels, Arabic's stroke that widens a word.
_UNREAD = regex.compile(
    r"(?V1)[\p{Default_Ignorable_Code_Point}\p{Cf}[\p{Cc}--\s]\p{Me}\p{ccc=1}\u0640"
    r"\u064B-\u0652\u0656-\u065F\u0670\u06D6-\u06DC\u06DF-\u06E4\u06E7\u06E8\u06EA-\u06ED"
    r"\u0591-\u05BD\u05BF\u05C1\u05C2\u05C4\u05C5\u05C7]+"
)
_UNREAD_ASCII = re.compile(r"[\x00-\x08\x0E-\x1B\x7F]+")
# A dot over a letter that has one is not seen: İ is an i with two.
_DOT = "\u0307"
_SECOND_DOT = regex.compile(rf"(?V1)(\p{{Soft_Dotted}}[\p{{M}}--\p{{ccc=230}}]*){_DOT}+")
_TRAILING = "HANGUL JONGSEONG "


def plainly(text: str) -> str:
    """``text`` in lower case and one form, without what is not read, with single spaces.

    Letters and what is written over them are apart in it, so that both are found
    again whatever stood between them.
    """
    if text.isascii():
        folded = _UNREAD_ASCII.sub("", text).lower()
    else:
        folded = unicodedata.normalize("NFD", text.translate(_Folded()))
        if _DOT in folded:
            folded = _SECOND_DOT.sub(r"\1", folded)
    return " ".join(folded.split())


def as_read(text: str) -> str:
    """``text`` in its own case, in one form of each letter, without what is not read."""
    return unicodedata.normalize("NFKC", _UNREAD.sub("", unicodedata.normalize("NFKC", text)))


class _Folded(dict[int, str]):
    """What becomes of each character, for those that a text has."""

    def __missing__(self, code: int) -> str:
        folded = self[code] = _fold(chr(code))
        return folded


@lru_cache(maxsize=2**14)
def _fold(character: str) -> str:
    while (folded := _once(character)) != character:
        character = folded
    return character


def _once(text: str) -> str:
    bare = _UNREAD.sub("", unicodedata.normalize("NFKD", text).casefold())
    return "".join(map(_leading, unicodedata.normalize("NFKD", bare)))


def _leading(character: str) -> str:
    """A Korean consonant at the end of a syllable as at its beginning: typed by itself it is the same."""
    name = unicodedata.name(character, "")
    if not name.startswith(_TRAILING):
        return character
    sounds = name.removeprefix(_TRAILING).split("-")
    try:
        return "".join(unicodedata.lookup(f"HANGUL CHOSEONG {sound}") for sound in sounds)
    except KeyError:  # one of those that are not written any more
        return character
