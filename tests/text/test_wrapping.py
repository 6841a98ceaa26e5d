"""Text cut to the rows of a phone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bot.text.wrapping import COLUMNS, first_rows, last_rows, row_count

CUTS = pytest.mark.parametrize("cut", [first_rows, last_rows])
ROW = "a" * COLUMNS


def test_rows_are_counted_as_a_phone_wraps_them() -> None:
    assert row_count("") == 1
    assert row_count("one\n\ntwo") == 3
    assert row_count(ROW) == 1
    assert row_count(ROW + "a") == 2
    assert row_count("가" * COLUMNS) == 2  # wide characters count twice
    assert row_count("e\N{COMBINING ACUTE ACCENT}" * COLUMNS) == 1  # marks have no width


@CUTS
def test_a_text_that_fits_stays_as_it_is(cut: Callable[[str, int], str]) -> None:
    assert cut("one\ntwo", 2) == "one\ntwo"


def test_the_beginning_or_the_end_is_kept() -> None:
    assert first_rows("one\ntwo\nthree", 2) == "one\ntwo…"
    assert last_rows("one\ntwo\nthree", 2) == "…two\nthree"


def test_a_long_line_is_cut_within() -> None:
    text = "x" + ROW + "y"

    assert first_rows(text, 1) == "x" + "a" * (COLUMNS - 2) + "…"
    assert last_rows(text, 1) == "…" + "a" * (COLUMNS - 2) + "y"


@CUTS
@given(
    text=some.text(some.sampled_from("a \n가\N{COMBINING ACUTE ACCENT}🙂"), max_size=400),
    rows=some.integers(1, 12),
)
def test_what_is_kept_fits(cut: Callable[[str, int], str], text: str, rows: int) -> None:
    kept = cut(text, rows)

    assert row_count(kept.replace("…", "")) <= rows
    if kept != text:
        assert row_count(text) > rows
        whole = text.startswith if cut is first_rows else text.endswith
        assert whole(kept.replace("…", ""))
