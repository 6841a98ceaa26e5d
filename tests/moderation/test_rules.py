"""The file of blocked words is read at the start, or stops it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import InvalidSetting, WordBlocked
from bot.moderation.blocklist import BlockedWords
from bot.moderation.rules import Rules, blocked_words


def test_a_file_has_one_word_a_line(tmp_path: Path) -> None:
    file = tmp_path / "words.txt"
    file.write_bytes("\ufeffdarn\r\n# a comment\r\n\r\ntwo words\r\n".encode())
    blocked = blocked_words(str(file))

    assert blocked.in_text("Darn it")
    assert blocked.in_text("two words")
    assert not blocked.in_text("a comment")


def test_without_a_file_nothing_is_blocked() -> None:
    assert not blocked_words(None)


@pytest.mark.parametrize("unusable", ["missing.txt", "", "latin.txt", "wide.txt", "a\0b"])
def test_an_unreadable_file_gives_one_sentence_that_names_the_variable(tmp_path: Path, unusable: str) -> None:
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    (tmp_path / "wide.txt").write_bytes("darn".encode("utf-16-le"))
    with pytest.raises(InvalidSetting) as caught:
        blocked_words(f"{tmp_path}/{unusable}")

    assert caught.value.sentence.startswith("BLOCKED_WORDS_FILE is ")
    assert caught.value.sentence.endswith("one word or phrase a line.")


def test_a_refusal_does_not_repeat_the_word() -> None:
    rules = Rules(BlockedWords.read(["darn"]))
    rules.check("fine")
    with pytest.raises(WordBlocked) as caught:
        rules.check("darn")

    assert "darn" not in caught.value.sentence
