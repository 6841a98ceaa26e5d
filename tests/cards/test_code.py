"""The *Code* card shows a program or points to the file, and says what it promises."""

from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import cards
from bot.cards import CodeCard
from bot.features.code import Home
from bot.model.model_info import Precision
from tests.support import strategies
from tests.support.limits import assert_within_limits, text_of

CONTENT = CodeCard("print(1)\n", precision="float32", fingerprint="1a2b3c4d5e6f", same_model=True, home="hub")


@given(strategies.long_texts.filter(bool), st.sampled_from(get_args(Precision)), st.booleans())
def test_any_program_fits_in_a_message(program: str, precision: Precision, same_model: bool) -> None:
    content = replace(CONTENT, program=program, precision=precision, same_model=same_model)

    assert_within_limits(cards.code_card(content))


def test_a_short_program_is_shown() -> None:
    assert "```python\nprint(1)\n```" in text_of(cards.code_card(CONTENT))


def test_a_long_program_is_only_in_the_file() -> None:
    text = text_of(cards.code_card(replace(CONTENT, program="# " * 1_500)))

    assert "```" not in text
    assert "It's too long to show here." in text
    assert "```" in text_of(cards.code_card(replace(CONTENT, program="x\n" * 53)))
    assert "```" not in text_of(cards.code_card(replace(CONTENT, program="x\n" * 55)))


def test_what_it_promises_depends_on_the_precision() -> None:
    exact = text_of(cards.code_card(CONTENT))
    rounded = text_of(cards.code_card(replace(CONTENT, precision="int8")))

    assert "Where two logits are within 0.00001, a token may differ" in exact
    assert exact.endswith("-# float32 · fingerprint 1a2b3c4d5e6f")
    assert "The text was written in int8; the program uses float32, so tokens may differ." in rounded


@pytest.mark.parametrize(
    ("home", "said"),
    [
        ("hub", "It downloads the model once."),
        ("project", "Run it in the project's folder."),
        ("folder", "Run it next to the model's folder."),
    ],
)
def test_it_says_where_to_run_the_program(home: Home, said: str) -> None:
    assert text_of(cards.code_card(replace(CONTENT, home=home))).splitlines()[0].endswith(said)


def test_a_text_of_another_model_comes_with_a_warning() -> None:
    assert "Another model" not in text_of(cards.code_card(CONTENT))
    assert "Another model wrote this text" in text_of(cards.code_card(replace(CONTENT, same_model=False)))
