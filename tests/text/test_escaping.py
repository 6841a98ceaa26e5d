"""Any text from people and models is shown literally."""

import re
import unicodedata
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text.escaping import (
    clip_end,
    clip_start,
    code,
    column,
    fenced,
    inert,
    inert_head,
    inert_tail,
    isolated,
    visible,
    without_isolates,
)

# What can begin formatting, a mention, an emoji, a link or a fence anywhere …
ACTIVE = re.compile(r"[\\*_~`|<\[@]|:\S")
# … and what makes lists, headings and quotes at the start of a line.
ACTIVE_LINE = re.compile(r"(?m)^\s*([-+#>]|\d+\.)")
anything = st.text(st.characters(exclude_categories=[]))  # surrogates and controls too


def unescaped(markup: str) -> str:
    return re.sub(r"\\([^0-9A-Za-z\s])", r"\1", markup)


@given(anything)
def test_every_active_sign_is_escaped(text: str) -> None:
    without_escapes = re.sub(r"\\[^0-9A-Za-z\s]", "\ufffc", inert(text))

    assert not ACTIVE.search(without_escapes)
    assert not ACTIVE_LINE.search(without_escapes)


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_an_inert_text_looks_like_the_original(text: str) -> None:
    assert unescaped(inert(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "@everyone",
        "<@123456789>",
        "https://example.org",
        "```py",
        "||spoiler||",
        "# big",
        "1. one",
        "<t:0:R>",
    ],
)
def test_marks_that_discord_acts_on_are_made_inert(text: str) -> None:
    shown = inert(text)

    assert unescaped(shown) == text
    assert shown.startswith(("\\", "https\\://", "1\\. "))


@pytest.mark.parametrize(
    ("hidden", "shown"),
    [
        ("\x00", "\\x00"),
        ("\x1b[31m", "\\x1B"),
        ("\u202e", "⟨U+202E⟩"),
        ("\u200b", "⟨U+200B⟩"),
        ("\ud800", "⟨U+D800⟩"),
    ],
)
def test_hidden_characters_are_spelled_out(hidden: str, shown: str) -> None:
    assert visible(hidden).startswith(shown)
    assert hidden not in inert(hidden)


@pytest.mark.parametrize("text", ["می\u200cخواهم", "🏴\U000e0067\U000e0062\U000e007f"])
def test_joiners_in_ordinary_writing_are_left_alone(text: str) -> None:
    assert inert(text) == text


def test_white_space_becomes_signs_in_the_visible_form() -> None:
    assert visible(" will\n\t") == "␣will⏎⇥"


def test_an_emoji_of_several_code_points_stays_whole() -> None:
    assert visible("👨‍👩‍👧") == inert("👨‍👩‍👧") == "👨‍👩‍👧"


@given(anything)
def test_no_text_leaves_its_fence_or_code_span(text: str) -> None:
    assert fenced(text).count("`") == 6
    assert code(text).count("`") == 2
    assert code(text)[0] == code(text)[-1] == "`"


@pytest.mark.parametrize("text", ["שלום", "␣سلام", "a ש b", "\u0661"])
def test_right_to_left_text_moves_nothing_beside_it(text: str) -> None:
    assert isolated(text) == f"\u2068{text}\u2069"
    assert code(text) == f"`\u2068{text}\u2069`"


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_only_right_to_left_text_is_isolated(text: str) -> None:
    is_foreign = any(unicodedata.bidirectional(sign) in ("R", "AL", "AN") for sign in text)

    assert (isolated(text) != text) == is_foreign
    assert len(isolated(text)) == len(text) + 2 * is_foreign
    assert without_isolates(code(text)) == "`" + text.replace("`", "ˋ") + "`"


@pytest.mark.parametrize(("text", "shown"), [("ab", "ab  "), ("abcde", "abc…"), ("של", "\u2068של\u2069  ")])
def test_a_column_is_as_wide_as_it_looks(text: str, shown: str) -> None:
    assert column(text, 4) == shown


@given(anything, st.integers(min_value=4, max_value=200))
def test_a_clipped_tail_fits_and_is_the_end_of_the_text(text: str, limit: int) -> None:
    tail = inert_tail(text, limit)

    assert len(tail) <= max(limit, 1)
    ends = {inert(text), *("…" + inert(text[start:]) for start in range(1, len(text) + 1))}
    assert tail in ends


@pytest.mark.parametrize("text", ["a", "word ", "*", "\u202e", "🙂\n", "\x00"])
@pytest.mark.parametrize("times", [120, 1_000, 20_000])
def test_a_clipped_text_of_any_length_uses_all_its_room(text: str, times: int) -> None:
    for clipped in (inert_tail(text * times, 100), inert_head(text * times, 100)):
        assert 80 <= len(clipped) <= 100


@given(anything, st.integers(min_value=1, max_value=100))
def test_a_clipped_text_fits_and_says_that_more_follows(text: str, limit: int) -> None:
    clipped = clip_end(text, limit)

    assert len(clipped) <= limit
    assert clipped == text or clipped.endswith("…")


# Characters that the visible form spells out, and others between them.
spelled_out = st.text(st.sampled_from("a \x00\x1b\u200b\u202e\ud800\udce2\U000e0001*\\x1⟨U+"), max_size=30)


@given(st.one_of(anything, spelled_out), st.integers(min_value=1, max_value=40))
def test_a_clipped_text_never_ends_in_half_an_escape(text: str, limit: int) -> None:
    signs = [visible(character) for character in text]
    clipped = clip_end("".join(signs), limit)

    assert clipped == visible(text) or clipped[:-1] in set(accumulate(signs, initial=""))
    assert len(clipped) <= limit


@given(st.one_of(anything, spelled_out), st.integers(min_value=1, max_value=40))
def test_a_clipped_text_never_starts_with_half_an_escape(text: str, limit: int) -> None:
    signs = [visible(character) for character in text]
    clipped = clip_start("".join(signs), limit)
    ends = {"".join(signs[start:]) for start in range(len(signs) + 1)}

    assert clipped == visible(text) or (clipped[0] == "…" and clipped[1:] in ends)
    assert len(clipped) <= limit


@given(st.one_of(anything, spelled_out), st.integers(min_value=4, max_value=40))
def test_a_clipped_inert_text_is_inert(text: str, limit: int) -> None:
    for clipped in (inert_head(text, limit), inert_tail(text, limit)):
        without_escapes = re.sub(r"\\[^0-9A-Za-z\s]", "\ufffc", clipped)

        assert not ACTIVE.search(without_escapes)
        assert not ACTIVE_LINE.search(without_escapes)
