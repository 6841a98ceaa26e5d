"""Blocked words are found as people may write them, and nowhere else."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.blocking import BlockedWords, plainly

BLOCKED = BlockedWords.read(
    ["# what nobody wants to read", "", "darn", "Two  Words", "STRASSE", "坏蛋", "हिन्द", "c++", "\u200b"]
)
texts = st.text(st.characters(exclude_categories=[]), max_size=40)
words = st.text("abXYäÖßéśⅣ019жЯ", min_size=1, max_size=8)
unseen = st.sampled_from(["", "\u200b", "\u2060", "\u00ad", "\ufe0f", "\u202e", "\ufeff"])
separators = st.sampled_from(["", " ", "\n", ".", "-", "_", "…", "🙂", "\u00a0", "\udc80", "<", "`"])


@pytest.mark.parametrize(
    "text",
    [
        "darn",
        "Oh DARN!",
        "ｄａｒｎ",
        "d\u200barn",
        "da\u00adrn",
        "(darn)",
        "_darn_",
        "ˋdarnˋ",
        "darn\udc80",
        "two\n\u00a0\twords",
        "Straße",
        "你是坏蛋吗",
        "a c++ b",
    ],
)
def test_a_blocked_word_is_found_however_it_is_written(text: str) -> None:
    assert BLOCKED.in_text(text)


@pytest.mark.parametrize(
    "text",
    ["", "darned", "darn1", "xdarn", "two word", "twowords", "Straßen", "हिन्दी", "c+", "darn\u0301"],
)
def test_what_only_holds_its_letters_is_not_it(text: str) -> None:
    assert not BLOCKED.in_text(text)


def test_without_words_nothing_is_blocked() -> None:
    assert not BlockedWords()
    assert not BlockedWords.read(["# nothing", " ", "\u200b"])
    assert not BlockedWords().in_text("anything")


def test_of_two_words_that_begin_alike_the_shorter_one_is_found_too() -> None:
    blocked = BlockedWords.read(["bad", "bad egg"])

    assert blocked.in_text("bad eggs")
    assert blocked.in_text("a bad egg")


@given(words, separators, separators, unseen, texts, texts)
def test_a_word_apart_is_found_in_any_text(
    word: str, left: str, right: str, hidden: str, before: str, after: str
) -> None:
    blocked = BlockedWords.read([word])
    text = f"{before} {left}{hidden.join(word.upper())}{right} {after}"

    assert blocked.in_text(unicodedata.normalize("NFD", text)) or plainly(word) != plainly(word.upper())


@given(words, words)
def test_a_word_within_a_longer_one_is_not_found(word: str, more: str) -> None:
    blocked = BlockedWords.read([word])

    assert blocked.in_text(word + more) == (plainly(word) == plainly(word + more))


@given(texts, texts)
def test_any_two_lines_and_any_text_can_be_read(line: str, text: str) -> None:
    assert BlockedWords.read([line, line + text]).in_text(text) in (True, False)


@given(texts)
def test_one_form_is_the_form_of_itself(text: str) -> None:
    assert plainly(plainly(text)) == plainly(text)


@given(st.lists(words, max_size=6), st.lists(st.one_of(words, separators), max_size=8).map("".join))
def test_it_is_found_among_many_words_as_alone(many: list[str], text: str) -> None:
    alone = [BlockedWords.read([word]).in_text(text) for word in many]

    assert BlockedWords.read(many).in_text(text) == any(alone)
