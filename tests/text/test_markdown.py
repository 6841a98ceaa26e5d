"""Discord's formatting is undone, and nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from bot.text.escaping import code, fenced, inert
from bot.text.markdown import unformatted


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_plain_text_survives_being_made_inert(given_text: str) -> None:
    assert unformatted(inert(given_text)) == given_text


@given(st.text(st.characters(min_codepoint=32, max_codepoint=95), min_size=1))
def test_code_is_kept_as_it_is(given_text: str) -> None:
    assert unformatted(code(given_text)) == given_text
    assert unformatted(f"**a**\n{fenced(given_text)}\nb") == f"a\n{given_text}\nb"


def test_an_escaped_mark_stays() -> None:
    assert unformatted(r"2 \*\* 3 and \`x\` and \-# y") == "2 ** 3 and `x` and -# y"


def test_underlines_within_names_stay() -> None:
    assert unformatted("cl100k_base and *one* star") == "cl100k_base and *one* star"
