"""Letters that look like Latin ones, by Unicode's own list (UTS 39, Security Mechanisms). Pure."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import regex

from bot.moderation.folding import as_read

_WORD = re.compile(r"[^\W_](?:[^\W_]|[\u0300-\u036F])*")
_LATIN = re.compile(r"[A-Za-z]")
_OTHER_SCRIPT = regex.compile(r"(?V1)[\p{L}--\p{Latin}]")
# A letter in its own right in Turkish, where it makes other words.
_DOTLESS_I = "ı"


def latin(text: str) -> str:
    """``text`` with every letter that looks Latin replaced by the Latin one."""
    return text if text.isascii() else text.translate(_lookalikes())


def unmasked(text: str) -> str | None:
    """``text`` with look-alikes replaced in words that mix scripts; None if there is no such word.

    A word in a single script is left alone: the Russian *сор* is not *cop*.
    """
    foreign = set(filter(_is_foreign, set(text)))
    if foreign:
        text = as_read(text)  # so that invisible characters do not end a word
    mixed = [
        word.span()
        for word in (_WORD.finditer(text) if foreign else ())
        if not foreign.isdisjoint(word[0]) and _LATIN.search(word[0])
    ]
    parts: list[str] = []
    end = 0
    for start, after in mixed:
        parts += text[end:start], latin(text[start:after])
        end = after
    return "".join((*parts, text[end:])) if mixed else None


def _is_foreign(character: str) -> bool:
    """Whether it is a letter of another script, or looks like a different Latin letter."""
    return not character.isascii() and (
        ord(character) in _lookalikes() or bool(_OTHER_SCRIPT.fullmatch(character))
    )


@cache
def _lookalikes() -> Mapping[int, str]:
    """Code points of letters that look like one of the 52 Latin ones → that letter."""
    data = files("confusable_homoglyphs").joinpath("confusables.json").read_text(encoding="utf-8")
    found: dict[int, str] = {}
    for letter, others in json.loads(data).items():
        alike = [one["c"] for one in others if _LATIN.fullmatch(one["c"])]
        if alike and len(letter) == 1 and not letter.isascii() and letter != _DOTLESS_I:
            found[ord(letter)] = _read(letter, alike[0])
    return found


def _read(letter: str, like: str) -> str:
    """The letter it reads as: the list gives l for what looks like both a capital I and an l."""
    return "I" if like == "l" and unicodedata.category(letter) == "Lu" else like
