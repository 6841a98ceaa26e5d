"""Numbers are read in any number of digits, and never raise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text.numbers import whole_number

HIGHEST = 50_256


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("50256", 50_256),
        (" 481\n", 481),
        ("00000000000001", 1),
        ("0" * 5_000 + "481", 481),
        ("0" * 5_000, 0),
        ("٤٨١", 481),  # Arabic-Indic
        ("４８１", 481),  # as Japanese keyboards write them
        ("४८१", 481),  # Devanagari
    ],
)
def test_a_number_may_be_written_in_many_ways(text: str, number: int) -> None:
    assert whole_number(text, highest=HIGHEST) == number


@pytest.mark.parametrize(
    "text",
    ["", " ", "-1", "+1", "1.0", "1e3", "1_000", "50257", "9" * 5_000, "0" * 10 + "9" * 4_000, "²", "½", "x"],
)
def test_anything_but_a_number_up_to_the_highest_gives_none(text: str) -> None:
    assert whole_number(text, highest=HIGHEST) is None


@given(st.text())
def test_no_text_raises(text: str) -> None:
    number = whole_number(text, highest=HIGHEST)

    assert number is None or 0 <= number <= HIGHEST


@given(st.integers(0, HIGHEST), st.integers(0, 50))
def test_every_number_is_read(number: int, zeros: int) -> None:
    assert whole_number("0" * zeros + str(number), highest=HIGHEST) == number
