"""Letters join and stack as people write them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from bot.cards.pictures.fonts import FILES, FONTS
from bot.cards.pictures.lettering import Line, ink, line, plain_line
from bot.cards.pictures.reading_order import reading_order
from tests.cards.pictures.test_fonts import SENTENCES
from tests.support.browsing import browser, chromium

SIZE = 34
PAGE = "http://tokenwise.invalid/"
PREFACE = '<!doctype html><meta charset="utf-8">'
MEASURE = """() => document.fonts.ready.then(() =>
    [...document.querySelectorAll("span")].map(text => text.getBoundingClientRect().width))"""


def written(*texts: str) -> list[Line]:
    """Each piece of a text, between its neighbours."""
    pieces = reading_order(texts).pieces
    around = ["", *texts, ""]
    return [
        line(piece, SIZE, before=around[number], after=around[number + 2])
        for number, piece in enumerate(pieces)
    ]


def glyphs(line: Line) -> list[int]:
    """Return the line's glyphs from left to right."""
    return [index for part in line.glyphs for index, _, _ in part.placed]


def test_joined_letters_have_other_forms_than_single_ones() -> None:
    (word,) = written("بيت")
    alone = {index for letter in "بيت" for index in glyphs(*written(letter))}

    assert len(glyphs(word)) == 3
    assert not alone & set(glyphs(word))


@pytest.mark.parametrize(
    "pieces", [("مر", "حبا"), ("ي", "ح", "ت", "وي"), ("سَ", "لَام"), ("پی", "غام"), ("ٹھ", "یک")]
)
def test_letters_join_across_the_border_of_a_token(pieces: tuple[str, ...]) -> None:
    (whole,) = written("".join(pieces))
    torn = [index for part in reversed(written(*pieces)) for index in glyphs(part)]

    assert torn == glyphs(whole)


def test_letters_join_only_letters() -> None:
    (alone,) = written("ب")
    _, after_space, _ = written("ت", "␣ب", "␣ت")
    _, between_signs, _ = written("ت⟨U+200C⟩", "ب", "⏎")

    assert glyphs(alone)[0] in glyphs(after_space)
    assert glyphs(between_signs) == glyphs(alone)


@pytest.mark.parametrize("word", ["של", "دا", "ދވ"])
def test_the_first_letter_is_the_rightmost(word: str) -> None:
    (whole,) = written(word)
    first, second = (written(letter)[0] for letter in word)

    assert glyphs(whole)[-1] == glyphs(first)[0]
    assert whole.width == pytest.approx(first.width + second.width, abs=1)


def test_digits_read_from_left_to_right_in_a_right_to_left_text() -> None:
    (year,) = written("שנת2024")

    assert glyphs(year)[:4] == glyphs(plain_line("2024", SIZE))


def test_a_bracket_is_mirrored_in_a_right_to_left_text() -> None:
    _, bracket, _ = written("אב", "(", "גד")

    assert glyphs(bracket) == glyphs(plain_line(")", SIZE))


def test_the_number_of_a_character_that_no_font_has_stays_readable() -> None:
    (sign,) = written("\u0710")  # Syriac, read from right to left

    assert glyphs(sign) == glyphs(plain_line("U+0710", SIZE))


@pytest.mark.parametrize(
    ("text", "count"),
    [("क्ष", 1), ("한", 3), ("👩‍💻", 1), ("น้ำ", 4), ("é", 1), ("لا", 1)],
    ids=["conjunct", "syllable", "emoji", "stacked", "accent", "ligature"],
)
def test_what_readers_see_as_one_shape_is_composed(text: str, count: int) -> None:
    (whole,) = written(text)

    assert len(glyphs(whole)) == count


def test_a_vowel_sign_that_belongs_before_its_letter_is_drawn_there() -> None:
    (syllable,) = written("कि")

    assert glyphs(syllable)[-1] == glyphs(*written("क"))[0]


def test_a_line_s_ink_is_as_wide_as_the_line() -> None:
    for text in ("Hhello", "नमस्ते", "한국어", "你好"):
        drawn = plain_line(text, SIZE)
        found = ink(drawn)

        assert found is not None
        assert found.mask.width == pytest.approx(drawn.width, abs=SIZE / 4)
        assert found.mask.getextrema() == (0, 255)


def test_an_invisible_line_has_no_ink() -> None:
    assert ink(plain_line(" ", SIZE)) is None
    assert ink(plain_line("", SIZE)) is None


def test_the_glyphs_of_a_line_follow_each_other() -> None:
    (drawn,) = written("אבגד")
    places = [x for part in drawn.glyphs for _, x, _ in part.placed]

    assert all(left < right for left, right in pairwise(places))


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.skipif(chromium() is None, reason="no Chromium is installed")
def test_a_browser_writes_every_script_in_the_same_width() -> None:
    ours = {file: written(SENTENCES[file])[0].width for file in FILES}

    assert in_a_browser() == pytest.approx(ours, abs=0.1)


def in_a_browser() -> dict[str, float]:
    """Measure each font's sentence in a browser, written with our fonts."""
    fonts = "".join(f"@font-face {{ font-family: '{file}'; src: url('{file}') }}" for file in FILES)
    families = ", ".join(f"'{file}'" for file in FILES)
    style = f"{fonts} span {{ font: {SIZE}px {families}; white-space: pre }}"
    texts = "".join(f'<div><span lang="en">{SENTENCES[file]}</span></div>' for file in FILES)
    with browser() as window, window.new_page() as page:
        # No server is involved: the page and its fonts are served from here.
        page.route("**/*", lambda route: route.fulfill(path=FONTS / Path(route.request.url).name))
        page.route(PAGE, lambda route: route.fulfill(body=PREFACE + f"<style>{style}</style>{texts}"))
        page.goto(PAGE)
        widths = page.evaluate(MEASURE)
    return dict(zip(FILES, widths, strict=True))
