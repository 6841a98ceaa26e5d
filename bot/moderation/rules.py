"""The rules that an operator sets for a community."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from bot.errors import InvalidSetting, WordBlocked
from bot.moderation.blocklist import BlockedWords

_VARIABLE = "BLOCKED_WORDS_FILE"


@dataclass(frozen=True, slots=True)
class Rules:
    """No rules by default. ``age_restricted``: only channels marked as such may use the bot."""

    blocked: BlockedWords = field(default_factory=BlockedWords)
    age_restricted: bool = False

    def check(self, text: str) -> None:
        """Raise WordBlocked if the text that somebody gave contains a blocked word."""
        if self.blocked.in_text(text):
            raise WordBlocked


def blocked_words(file: str | None) -> BlockedWords:
    """The words in ``file``, if one is set; InvalidSetting if it cannot be read."""
    if file is None:
        return BlockedWords()
    try:
        text = Path(file).read_text(encoding="utf-8-sig")
        if "\0" in text:
            raise ValueError("UTF-16 without a byte order mark")
    except (OSError, ValueError) as error:
        why = error.strerror or "it cannot be read" if isinstance(error, OSError) else "it is not UTF-8"
        raise InvalidSetting(
            _VARIABLE,
            problem=f"is {file!r} ({why})",
            allowed="a UTF-8 text file with one word or phrase a line",
        ) from None
    return BlockedWords.read(text.splitlines())
