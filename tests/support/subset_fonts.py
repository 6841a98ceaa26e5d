"""The fonts of single scripts; ``python -m tests.support.subset_fonts FOLDER`` makes them again.

FOLDER holds what Debian's fonts-noto-core and fonts-noto-cjk install, for example
after ``apt-get install fonts-noto-core fonts-noto-cjk``: /usr/share/fonts. Each font
keeps the letters of its script, and the features that join, stack and place them. The
same packages (see bot/data/README.md) and the same fonttools give the same bytes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import regex
from fontTools import subset

from bot.cards.pictures.fonts import FONTS

SCRIPTS = (
    "Arabic",
    "Bengali",
    "Devanagari",
    "Ethiopic",
    "Gujarati",
    "Gurmukhi",
    "Hebrew",
    "Kannada",
    "Khmer",
    "Lao",
    "Malayalam",
    "Myanmar",
    "Oriya",
    "Sinhala",
    "Tamil",
    "Telugu",
    "Thaana",
    "Thai",
)
# Further blocks, with letters of small languages, would double these fonts.
FIRST_BLOCK_ONLY = {"Ethiopic": range(0x1200, 0x1380), "Myanmar": range(0x1000, 0x10A0)}
# Non-joiner, joiner, dotted circle.
SHAPING = {0x200C, 0x200D, 0x25CC}
# Modern jamo, from which HarfBuzz composes all 11,172 syllables, and jamo that stand alone.
JAMO = {
    *range(0x1100, 0x1113),
    *range(0x1161, 0x1176),
    *range(0x11A8, 0x11C3),
    *range(0x3131, 0x318F),
    0x25CC,
}
KOREAN_IN_COLLECTION = 1
NAMES_KEPT = [0, 1, 2, 5, 13, 14]  # copyright, family, style, version, licence
FEATURES_LEFT_OUT = {"dnom", "frac", "kern", "locl", "numr"}
TABLES_LEFT_OUT = ["BASE", "DSIG", "VORG", "vhea", "vmtx"]


def make(folder: Path) -> None:
    """Write all files into bot/data/fonts."""
    for script in SCRIPTS:
        options = _options()
        options.layout_features = sorted(set(options.layout_features) - FEATURES_LEFT_OUT)
        font = subset.load_font(_found(folder, f"NotoSans{script}-Regular.ttf"), options)
        there = set(font.getBestCmap())
        letters = regex.compile(rf"\p{{Script_Extensions={script}}}")
        kept = {point for point in there if letters.match(chr(point))}
        if script in FIRST_BLOCK_ONLY:
            kept &= set(FIRST_BLOCK_ONLY[script])
        _save(font, kept | (SHAPING & there), options, f"NotoSans{script}.ttf")

    options = _options(font_number=KOREAN_IN_COLLECTION)
    options.layout_features = ["ccmp", "ljmo", "vjmo", "tjmo"]
    font = subset.load_font(_found(folder, "NotoSansCJK-Regular.ttc"), options)
    _save(font, JAMO, options, "NotoSansHangul.otf")


def _options(font_number: int = -1) -> subset.Options:
    options = subset.Options(
        font_number=font_number,
        hinting=False,
        legacy_kern=False,
        name_IDs=NAMES_KEPT,
        notdef_outline=False,
    )
    options.drop_tables += TABLES_LEFT_OUT
    return options


def _save(font: subset.TTFont, points: set[int], options: subset.Options, name: str) -> None:
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=points)
    subsetter.subset(font)
    subset.save_font(font, FONTS / name, options)
    print(f"{name}: {len(points)} characters, {(FONTS / name).stat().st_size:,} bytes")


def _found(folder: Path, name: str) -> Path:
    return next(folder.rglob(name))


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the fonts of single scripts again.")
    parser.add_argument("folder", type=Path, help="where fonts-noto-core and fonts-noto-cjk are")
    make(parser.parse_args().folder)


if __name__ == "__main__":
    main()
