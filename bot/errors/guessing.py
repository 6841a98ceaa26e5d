"""What can be wrong with a round of /guess."""

from __future__ import annotations

from bot.errors.base import InputError, TokenwiseError
from bot.errors.wording import seconds


class NothingToGuess(InputError):
    @property
    def sentence(self) -> str:
        return (
            "There is nothing to guess here: the likeliest next tokens are parts of characters, the end of "
            "the text, or others that cannot be told apart by eye. Try another text."
        )


class RevealTooEarly(TokenwiseError):
    """``seconds`` is how long it is until anybody may."""

    def __init__(self, *, seconds: float) -> None:
        self.seconds = seconds

    @property
    def sentence(self) -> str:
        return (
            "So far only the person who began this round, or a moderator, can reveal it; "
            f"in {seconds(self.seconds)} anybody can."
        )
