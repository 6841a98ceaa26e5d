"""Other people's words in a sentence: short, on one line, and harmless."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.quoting import LONGEST_QUOTATION, clipped, duration, one_line, ordinal, plural, quoted


@given(st.text())
def test_a_quotation_is_short_and_printable(text: str) -> None:
    assert len(quoted(text)) <= LONGEST_QUOTATION + 2
    assert quoted(text).isprintable()
    assert clipped(text) == quoted(text)[1:-1]


def test_a_quotation_is_clipped_before_an_escape_not_within_it() -> None:
    assert quoted("x" * 40) == repr("x" * 40)
    assert quoted("x" * 41) == repr("x" * 39 + "…")
    assert quoted("\U000e0041" * 9) == r"'\U000e0041\U000e0041\U000e0041…'"


@given(st.text(), st.integers(1, 200))
def test_a_line_is_short_and_printable(text: str, limit: int) -> None:
    line = one_line(text, limit)

    assert len(line) <= limit
    assert line.isprintable()


def test_a_line_has_single_spaces_and_signs_for_control_characters() -> None:
    assert one_line("four\n\n raw\r\n\tlines\x1b[31m\x00", 99) == "four raw lines�[31m�"


def test_a_long_line_is_clipped() -> None:
    assert one_line("x" * 1000, 120) == "x" * 119 + "…"


def test_a_count_has_its_plural_and_thousands() -> None:
    assert [plural(number, "token") for number in (0, 1, 1024)] == ["0 tokens", "1 token", "1,024 tokens"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "1 second"),
        (12.3, "12 seconds"),
        (89.9, "90 seconds"),
        (90.0, "2 minutes"),
        (1e5, "1,667 minutes"),
    ],
)
def test_a_duration_is_in_seconds_or_minutes(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (1, "1st"),
        (2, "2nd"),
        (3, "3rd"),
        (4, "4th"),
        (11, "11th"),
        (22, "22nd"),
        (112, "112th"),
        (1_013, "1,013th"),
    ],
)
def test_a_place_is_said_as_people_do(number: int, said: str) -> None:
    assert ordinal(number) == said
