"""Each character is drawn with a font that has it; one that no font has is named."""

from __future__ import annotations

import unicodedata

import pytest

from bot.cards.pictures import fonts
from bot.cards.pictures.fonts import FILES, FONTS, LETTERS, Run, has_all, runs

SENTENCES = {
    "NotoSansArabic.ttf": "مرحبا؛ پیغام، ٹھیک ہے۔ ٱللَّهِ ﷺ ۱۲۳",
    "NotoSansHebrew.ttf": "שלום בְּרֵאשִׁית",
    "NotoSansThaana.ttf": "ދިވެހި",
    "NotoSansDevanagari.ttf": "नमस्ते, क्षत्रिय ज्ञान। मराठी",
    "NotoSansBengali.ttf": "ওহে বিশ্ব অসমীয়া",
    "NotoSansGurmukhi.ttf": "ਪੰਜਾਬੀ",
    "NotoSansGujarati.ttf": "ગુજરાતી",
    "NotoSansOriya.ttf": "ଓଡ଼ିଆ",
    "NotoSansTamil.ttf": "வணக்கம் கொடி",
    "NotoSansTelugu.ttf": "హలో ప్రపంచం",
    "NotoSansKannada.ttf": "ಕನ್ನಡ",
    "NotoSansMalayalam.ttf": "മലയാളം ഹലോ",
    "NotoSansSinhala.ttf": "ශ්‍රී ලංකාව",
    "NotoSansThai.ttf": "สวัสดีที่น้ำ",
    "NotoSansLao.ttf": "ສະບາຍດີ",
    "NotoSansMyanmar.ttf": "မင်္ဂလာပါ",
    "NotoSansKhmer.ttf": "សួស្តីពិភពលោក",
    "NotoSansEthiopic.ttf": "ሰላም ልዑል",
    "NotoSansHangul.otf": "모든 인간은 뷁",
    LETTERS: "Zażółć Ελληνικά Русский Հայերեն ქართული Tiếng Việt ␣⏎⇥⟨⟩",
    "NotoEmoji.ttf": "🦊🥰👩‍💻🇩🇪",
    "DroidSansFallbackFull.ttf": "你好，世界！こんにちは「カタカナ」",
}


@pytest.mark.parametrize("file", FILES)
def test_a_script_is_drawn_with_its_own_font(file: str) -> None:
    letters = runs(SENTENCES[file].replace(" ", ""))

    assert max(letters, key=lambda run: len(run.text)).file == file
    assert has_all(SENTENCES[file])


def test_every_shipped_font_is_used() -> None:
    assert sorted(FILES) == sorted(file.name for file in FONTS.glob("*.?tf"))


def test_every_korean_syllable_is_composed_from_its_letters() -> None:
    syllables = [chr(point) for point in range(0xAC00, 0xD7A4)]

    assert all(has_all(syllable) for syllable in syllables)
    assert has_all("".join(unicodedata.normalize("NFD", syllable) for syllable in syllables[::97]))


def test_a_character_that_no_font_has_becomes_its_number() -> None:
    assert runs("a𒀀b") == [
        Run("a", LETTERS),
        Run("U+12000", LETTERS, sign=True),
        Run("b", LETTERS),
    ]
    assert not has_all("a𒀀b")


def test_a_letter_stays_with_its_marks() -> None:
    assert runs("xe\u0301x") == [Run("xe\u0301x", LETTERS)]
    assert runs("कि") == [Run("कि", "NotoSansDevanagari.ttf")]


@pytest.mark.parametrize("mark", ["\u0301", "\u093f", "\u0e34", "\u064e", "\u102c"])
def test_a_mark_without_its_letter_stands_on_a_dotted_circle(mark: str) -> None:
    (run,) = runs(mark)
    *_, last = runs("␣" + mark)

    assert run.text == "◌" + mark
    assert last.text in ("◌" + mark, "␣" + mark)


def test_a_character_that_only_changes_its_neighbour_needs_no_font() -> None:
    assert [run.file for run in runs("❤\ufe0f")] == [LETTERS]
    assert runs("\u200d") == [Run("U+200D", LETTERS, sign=True)]


def test_loaded_fonts_are_opened_once(monkeypatch: pytest.MonkeyPatch) -> None:
    fonts.load()
    monkeypatch.setattr(fonts, "hb", None)

    assert all(fonts._face(file).glyph_count for file in FILES)
