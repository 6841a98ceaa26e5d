"""Pieces of a text are put in the order in which people read them."""

from __future__ import annotations

import html
import random

import pytest
from bidi import get_display
from hypothesis import given
from hypothesis import strategies as st

from bot.cards.pictures.reading_order import Directed, from_left, reading_order, visual, visual_pieces
from bot.text.escaping import visible
from bot.text.tokenization import Encodings
from tests.support.browsing import browser, chromium

# Words in both directions, numbers, and neutral characters.
WORDS = (
    *(
        "hello",
        "abc.",
        "e-mail",
        "a/b",
        "C++",
        "(a)",
        "[x]",
        "مرحبا",
        "سلام",
        "العالم",
        "و",
        "שלום",
        "של",
        "(קצר)",
    ),
    *("12", "3.5%", "-7", "$5", "10:30", "۱۲۳", "١٢", '"', "،", "؛", "?", "؟", "!", "…"),
)
# Letters and digits of each direction; none has a mirror image, and none is white space.
LETTERS = "abאבجد12١٢"
MEASURE = """() => [...document.querySelectorAll("p")].map(text => [
    getComputedStyle(text).direction,
    [...text.children].map(piece => [...piece.getClientRects()].filter(one => one.width).map(one => one.x)),
])"""


def shown(*texts: str) -> list[str]:
    """Return the pieces from left to right."""
    return visual_pieces(texts, dict(zip(texts, reading_order(texts).pieces, strict=True)).__getitem__)


def drawn(piece: Directed) -> str:
    """Return the characters of one piece from left to right."""
    pairs = visual(zip(piece.text, piece.levels, strict=True), lambda pair: pair[1])
    return "".join(character for character, _ in pairs)


def test_a_left_to_right_text_stays_as_it_is() -> None:
    assert reading_order(["Paris", "␣will"]).pieces == (from_left("Paris"), from_left("␣will"))
    assert not reading_order(["Paris", "␣will"]).from_right


@pytest.mark.parametrize("words", [["שלום", "␣עולם", "!"], ["مرحبا", "␣بالعالم", "،"]])
def test_a_right_to_left_text_starts_at_the_right(words: list[str]) -> None:
    assert reading_order(words).from_right
    assert shown(*words) == words[::-1]


def test_the_first_letter_of_a_word_is_its_rightmost() -> None:
    (piece,) = reading_order(["שלום"]).pieces

    assert drawn(piece) == "םולש"


def test_words_of_the_other_direction_are_reversed_within_the_sentence() -> None:
    assert shown("say", "␣שלום", "␣עולם", "␣now") == ["say", "␣עולם", "␣שלום", "␣now"]
    assert shown("אמר", "␣hello", "␣world", "␣אז") == ["␣אז", "␣hello", "␣world", "אמר"]


def test_a_number_in_pieces_reads_from_left_to_right_everywhere() -> None:
    assert shown("بعد", "␣", "12", "34", "␣عام") == ["␣عام", "12", "34", "␣", "بعد"]
    assert shown("بعد", "␣", "۱۲", "۳۴", "␣عام") == ["␣عام", "۱۲", "۳۴", "␣", "بعد"]


def test_a_number_stays_before_the_word_that_follows_it() -> None:
    assert shown("מס", "␣7", "␣hello", "␣כן") == ["␣כן", "␣hello", "␣7", "מס"]


def test_brackets_belong_to_the_text_around_them() -> None:
    assert shown("אב", "␣(", "abc", ")", "␣de") == ["␣de", ")", "abc", "␣(", "אב"]


def test_a_space_is_drawn_where_its_word_starts() -> None:
    _, hebrew, _ = reading_order(["say", "␣שלום", "␣now"]).pieces
    _, latin, _ = reading_order(["אמר", "␣hello", "␣אז"]).pieces

    assert drawn(hebrew) == "םולש␣"
    assert drawn(latin) == "␣hello"


def test_the_sign_of_an_invisible_character_reads_left_to_right_and_sets_no_direction() -> None:
    sign, word = reading_order([visible("\u200c"), visible("می\u200c")]).pieces

    assert (drawn(sign), drawn(word)) == ("⟨U+200C⟩", "⟨U+200C⟩یم")
    assert reading_order([visible("\u200f\x00"), "שלום"]).from_right
    assert not reading_order([visible("\u202e"), "abc", "שלום"]).from_right


def test_each_paragraph_has_its_own_direction() -> None:
    assert shown("abc", "⏎", "שלום", "!") == ["abc", "⏎", "!", "שלום"]
    assert shown("שלום", "⏎", "abc", "?") == ["abc", "?", "⏎", "שלום"]


@given(st.text(LETTERS, min_size=1, max_size=30))
def test_pieces_of_one_letter_are_ordered_like_the_whole_text(text: str) -> None:
    pieces = reading_order(list(text)).pieces

    assert "".join(piece.text for piece in visual_pieces(pieces, lambda piece: piece)) == get_display(text)


@given(st.lists(st.text(max_size=12), max_size=12))
def test_every_character_has_a_level_and_every_piece_a_place(texts: list[str]) -> None:
    pieces = reading_order(texts).pieces

    assert [piece.text for piece in pieces] == texts
    assert [len(piece.levels) for piece in pieces] == [len(text) for text in texts]
    assert all(level >= piece.level for piece in pieces for level in piece.levels)
    assert sorted(visual_pieces(range(len(pieces)), pieces.__getitem__)) == list(range(len(pieces)))


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.skipif(chromium() is None, reason="no Chromium is installed")
@pytest.mark.parametrize("encoding", ["gpt2", "o200k_base"])
def test_a_browser_orders_the_pieces_alike(encoding: str) -> None:
    chance = random.Random(5)
    texts = [" ".join(chance.choices(WORDS, k=chance.randrange(2, 9))) for _ in range(200)]
    encodings = Encodings()
    cut = [[piece.text for piece in encodings.cut(text, encoding).pieces] for text in texts]
    for pieces, (direction, places) in zip(cut, in_a_browser(cut), strict=True):
        order = reading_order([visible(piece) for piece in pieces])
        ours = visual_pieces(range(len(pieces)), order.pieces.__getitem__)
        # A browser separates a space from its word if the two differ in direction.
        whole = {number: place[0] for number, place in enumerate(places) if len(place) == 1}

        assert order.from_right == (direction == "rtl")
        assert [number for number in ours if number in whole] == sorted(
            whole, key=lambda number: whole[number]
        )


def in_a_browser(texts: list[list[str]]) -> list[tuple[str, list[list[float]]]]:
    """Return each text's direction, and where a browser draws each of its pieces: in one place or several."""
    spans = ("".join(f"<span>{html.escape(piece)}</span>" for piece in pieces) for pieces in texts)
    page = "".join(f'<p dir="auto" style="white-space: pre; width: 5000px">{text}</p>' for text in spans)
    with browser() as window, window.new_page() as opened:
        opened.set_content(page)
        return opened.evaluate(MEASURE)  # type: ignore[no-any-return]
