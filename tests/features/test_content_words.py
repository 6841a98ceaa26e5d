"""Which tokens are words with a meaning of their own."""

import pytest

from bot.features.content_words import FUNCTION_WORDS, LEAST_LETTERS, is_content_word


@pytest.mark.parametrize("text", [" head", " Street", " tea", " déjà", " умом"])
def test_a_whole_word_is_one(text: str) -> None:
    assert is_content_word(text)


@pytest.mark.parametrize(
    "text",
    [
        "clock",
        "ened",
        " the",
        " The",
        " with",
        " of",
        " I",
        ",",
        " -",
        "\n",
        " ",
        "",
        "  head",
        " 1984",
        " o'",
    ],
)
def test_suffixes_signs_and_function_words_are_none(text: str) -> None:
    assert not is_content_word(text)


def test_the_list_has_only_words_that_it_decides_on() -> None:
    assert all(word.isalpha() and word == word.lower() for word in FUNCTION_WORDS)
    assert all(len(word) >= LEAST_LETTERS for word in FUNCTION_WORDS)
