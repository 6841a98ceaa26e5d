"""The *Code* card shows a program or points to the file, and says what it promises."""

from dataclasses import replace
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from bot import cards
from bot.cards import CodeCard
from bot.model.model_info import Precision
from tests.support import strategies
from tests.support.limits import assert_within_limits, text_of

CONTENT = CodeCard("print(1)\n", precision="float32", fingerprint="1a2b3c4d5e6f", same_model=True)


@given(strategies.long_texts.filter(bool), st.sampled_from(get_args(Precision)), st.booleans())
def test_any_program_fits_in_a_message(program: str, precision: Precision, same_model: bool) -> None:
    content = replace(CONTENT, program=program, precision=precision, same_model=same_model)

    assert_within_limits(cards.code_card(content))


def test_a_short_program_is_shown() -> None:
    assert "```python\nprint(1)\n```" in text_of(cards.code_card(CONTENT))


def test_a_long_program_is_only_in_the_file() -> None:
    text = text_of(cards.code_card(replace(CONTENT, program="# " * 1_500)))

    assert "```" not in text
    assert "in the file" in text


def test_what_it_promises_depends_on_the_precision() -> None:
    exact = text_of(cards.code_card(CONTENT))
    rounded = text_of(cards.code_card(replace(CONTENT, precision="int8")))

    assert "written in float32 (fingerprint 1a2b3c4d5e6f)" in exact
    assert "up to about 0.00001" in exact
    assert "written in int8 (fingerprint 1a2b3c4d5e6f); the program computes in float32" in rounded


def test_a_text_of_another_model_comes_with_a_warning() -> None:
    assert "Another model" not in text_of(cards.code_card(CONTENT))
    assert "Another model wrote this text" in text_of(cards.code_card(replace(CONTENT, same_model=False)))
