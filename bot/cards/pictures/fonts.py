"""The pictures' fonts, and which font draws which character."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import groupby
from pathlib import Path
from unicodedata import category, normalize

import regex
import uharfbuzz as hb

FONTS = Path(__file__).parents[2] / "data" / "fonts"
LETTERS = "DejaVuSans.ttf"
# In order of preference: scripts with their own font, letters and symbols, emoji, and finally
# Chinese and Japanese. Korean syllables are composed from their letters.
FILES = (
    "NotoSansArabic.ttf",
    "NotoSansHebrew.ttf",
    "NotoSansThaana.ttf",
    "NotoSansDevanagari.ttf",
    "NotoSansBengali.ttf",
    "NotoSansGurmukhi.ttf",
    "NotoSansGujarati.ttf",
    "NotoSansOriya.ttf",
    "NotoSansTamil.ttf",
    "NotoSansTelugu.ttf",
    "NotoSansKannada.ttf",
    "NotoSansMalayalam.ttf",
    "NotoSansSinhala.ttf",
    "NotoSansThai.ttf",
    "NotoSansLao.ttf",
    "NotoSansMyanmar.ttf",
    "NotoSansKhmer.ttf",
    "NotoSansEthiopic.ttf",
    "NotoSansHangul.otf",
    LETTERS,
    "NotoEmoji.ttf",
    "DroidSansFallbackFull.ttf",
)

# Font units per pixel (26.6 fixed point).
UNITS = 64

_GRAPHEME = regex.compile(r"\X")
_UNSEEN = regex.compile(r"[\p{Default_Ignorable_Code_Point}]+")
_DOTTED_CIRCLE = "\N{DOTTED CIRCLE}"


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text in one font; a ``sign`` stands for a character that no font has."""

    text: str
    file: str
    sign: bool = False


def runs(text: str) -> list[Run]:
    """Split ``text`` into stretches of one font each; a character that no font has becomes U+XXXX."""
    if text.isascii():
        return [Run(text, LETTERS)] if text else []
    found = (run for grapheme in _GRAPHEME.findall(text) for run in _drawn(grapheme))
    return [
        Run(_standing("".join(run.text for run in stretch)), file, sign)
        for (file, sign), stretch in groupby(found, key=lambda run: (run.file, run.sign))
    ]


def has_all(text: str) -> bool:
    """Return whether every character of ``text`` is drawn as itself, not as U+XXXX."""
    return not any(run.sign for run in runs(text))


def load() -> None:
    """Index the fonts' characters ahead of the first picture; glyphs are read as they are drawn."""
    _first_with()


@cache
def font(file: str, size: int) -> hb.Font:
    """Return a file's font at ``size`` pixels."""
    found = hb.Font(_face(file))
    found.scale = (size * UNITS, size * UNITS)
    return found


@cache
def _face(file: str) -> hb.Face:
    return hb.Face(hb.Blob.from_file_path(FONTS / file))


def _standing(text: str) -> str:
    """Put a mark at the start of ``text`` on a dotted circle, in place of its missing letter."""
    return _DOTTED_CIRCLE + text if category(text[0]).startswith("M") else text


@lru_cache(maxsize=4096)
def _drawn(grapheme: str) -> tuple[Run, ...]:
    """Draw a grapheme from one font if any has all of it, otherwise part by part."""
    file = _file(grapheme)
    if file:
        return (Run(grapheme, file),)
    return tuple(_parts(grapheme))


def _parts(grapheme: str) -> Iterator[Run]:
    for character in _UNSEEN.sub("", grapheme) or grapheme:
        file = _file(character)
        if file:
            yield Run(character, file)
        else:
            yield Run(f"U+{ord(character):04X}", LETTERS, sign=True)


def _file(grapheme: str) -> str | None:
    """Return the first font with the whole grapheme: as given, composed or decomposed.

    Characters that are never visible don't count.
    """
    seen = _UNSEEN.sub("", grapheme)
    if not seen:
        return None
    return _with_all(seen) or _with_all(normalize("NFC", seen)) or _with_all(normalize("NFD", seen))


def _with_all(text: str) -> str | None:
    first_with = _first_with()
    best = {first_with.get(ord(character)) for character in text}
    if len(best) == 1 or None in best:
        return best.pop() if len(best) == 1 else None
    return next((file for file in FILES if _has(file, text)), None)


def _has(file: str, text: str) -> bool:
    any_size = font(file, 1)
    return all(any_size.get_nominal_glyph(ord(character)) for character in text)


@cache
def _first_with() -> dict[int, str]:
    """Map each code point to the first font that has it."""
    return {point: file for file in reversed(FILES) for point in _face(file).unicodes}
