"""Running text in several colours: whole words in rows, each letter in its own colour."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.cards.pictures.canvas import units
from bot.cards.pictures.paragraphs import Paragraph, Span, set_paragraph
from bot.text.escaping import visible

RED, BLUE = "#ff0000", "#0000ff"
WIDTH = 200.0

some_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=300).map(
    lambda text: " ".join(map(visible, text.split(" ")))
)


def set_in(*spans: Span, most_rows: int = 20, width: float = WIDTH) -> Paragraph:
    return set_paragraph(spans, size=16, width=width, row_height=21, most_rows=most_rows)


def words_of(text: Paragraph) -> list[str]:
    """Each row's text, in the order of its runs on the page."""
    return ["".join(run.piece.text for run in row) for row in text.rows]


def test_rows_break_between_words() -> None:
    rows = words_of(set_in(Span("The quick brown fox jumps over the lazy dog, and again.", RED)))

    assert len(rows) > 1
    assert " ".join(rows) == "The quick brown fox jumps over the lazy dog, and again."


def test_a_row_never_breaks_at_a_change_of_colour_within_a_word() -> None:
    rows = words_of(set_in(*[Span("some", RED), Span("where ", BLUE)] * 10))

    assert len(rows) > 2
    assert all(row.startswith("somewhere") and row.endswith("somewhere") for row in rows)


def test_each_letter_has_its_own_colour() -> None:
    (row,) = set_in(Span("London", RED), Span(" was", BLUE)).rows

    assert [(run.piece.text, run.colour) for run in row] == [("London", RED), (" was", BLUE)]


def test_a_text_that_is_cut_ends_in_an_ellipsis_of_its_last_colour() -> None:
    text = set_in(Span("a word ", RED), Span("and another " * 50, BLUE), most_rows=2)

    assert len(text.rows) == 2
    assert text.rows[-1][-1].piece.text.endswith("…")
    assert text.rows[-1][-1].colour == BLUE
    assert "…" not in words_of(set_in(Span("short", RED), most_rows=1))[0]


def test_a_word_that_is_wider_than_a_row_is_broken_between_letters() -> None:
    rows = words_of(set_in(Span("x" * 100, RED)))

    assert "".join(rows) == "x" * 100
    assert len(rows) > 3


@pytest.mark.parametrize("text", ["今天天气很好我们去公园吧" * 4, "สวัสดีครับวันนี้อากาศดีมาก" * 4])
def test_scripts_without_spaces_fill_their_rows(text: str) -> None:
    rows = words_of(set_in(Span(text, RED)))

    assert "".join(rows) == text
    assert len({len(row) for row in rows[:-1]}) <= 3


def test_a_right_to_left_text_runs_from_the_right() -> None:
    text = set_in(Span("שלום ", RED), Span("עולם", BLUE))
    (row,) = text.rows

    assert text.from_right
    assert [run.colour for run in row] == [BLUE, RED]
    assert not set_in(Span("London שלום", RED)).from_right


def test_letters_of_two_rows_do_not_join() -> None:
    word = "كان "
    alone = set_in(Span(word, RED)).rows[0][0].shaped
    rows = set_in(Span(word * 2, RED), width=units(alone) + 1).rows

    assert [row[0].shaped.width for row in rows] == [alone.width] * 2


def test_nothing_has_no_rows() -> None:
    assert set_in().height == set_in(Span("", RED)).height == 0


@settings(max_examples=60)
@given(st.lists(st.tuples(some_text, st.sampled_from([RED, BLUE])), max_size=5), st.integers(1, 6))
def test_any_text_stays_within_its_rows_and_their_width(spans: list[tuple[str, str]], most_rows: int) -> None:
    text = set_in(*(Span(*span) for span in spans), most_rows=most_rows)

    assert len(text.rows) <= most_rows
    assert text.height == 21 * len(text.rows)
    # Letters are measured one word at a time, and drawn a row at a time.
    assert all(sum(units(run.shaped) for run in row) <= WIDTH * 1.1 + 20 for row in text.rows)
