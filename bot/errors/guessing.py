"""What can be wrong with a round of /guess."""

from __future__ import annotations

from bot.errors.base import InputError, TokenwiseError
from bot.errors.wording import seconds


class NothingToGuess(InputError):
    @property
    def sentence(self) -> str:
        return (
            "There's nothing to guess here: the most likely tokens look alike, are parts of characters, "
            "or end the text. Please try another text."
        )


class RevealTooEarly(TokenwiseError):
    """``seconds`` is how long it is until anybody may."""

    def __init__(self, *, seconds: float) -> None:
        self.seconds = seconds

    @property
    def sentence(self) -> str:
        return (
            "For now, only the person who started this round or a moderator can reveal it. "
            f"Anyone can in {seconds(self.seconds)}."
        )
