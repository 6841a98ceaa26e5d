"""Letters that look like others, by Unicode's own list (UTS 39, Unicode Security Mechanisms). Pure."""

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
# In Turkish it is another letter, and makes other words.
_DOTLESS_I = "ı"


def latin(text: str) -> str:
    """``text`` with Latin letters where its own look like them."""
    return text if text.isascii() else text.translate(_lookalikes())


def unmasked(text: str) -> str | None:
    """``text`` without letters that only look like Latin ones, in words that mix both; None if no word does.

    A word in one script alone is what it is: the Russian *сор* is no *cop*.
    """
    foreign = set(filter(_is_foreign, set(text)))
    if foreign:
        text = as_read(text)  # what stands within a word unseen is no end of it
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
    """Whether it is no letter of the Latin script, or looks like another one of it."""
    return not character.isascii() and (
        ord(character) in _lookalikes() or bool(_OTHER_SCRIPT.fullmatch(character))
    )


@cache
def _lookalikes() -> Mapping[int, str]:
    """By their code points, the letters that look like one of the 52, and like which."""
    data = files("confusable_homoglyphs").joinpath("confusables.json").read_text(encoding="utf-8")
    found: dict[int, str] = {}
    for letter, others in json.loads(data).items():
        alike = [one["c"] for one in others if _LATIN.fullmatch(one["c"])]
        if alike and len(letter) == 1 and not letter.isascii() and letter != _DOTLESS_I:
            found[ord(letter)] = _read(letter, alike[0])
    return found


def _read(letter: str, like: str) -> str:
    """As which letter it is read: what looks like both a capital I and an l is listed as the latter."""
    return "I" if like == "l" and unicodedata.category(letter) == "Lu" else like
