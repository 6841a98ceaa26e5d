"""What a community does not allow."""

from __future__ import annotations

from bot.errors.base import InputError, TokenwiseError


class WordBlocked(InputError):
    """It does not say which word: that would show it."""

    @property
    def sentence(self) -> str:
        return "Your text contains a word that this community has blocked, so I didn't use it."


class Withheld(TokenwiseError):
    """Something that would show a blocked word; ``seed`` is what the model wrote it with, if it did."""

    def __init__(self, *, seed: int | None = None) -> None:
        self.seed = seed

    @property
    def sentence(self) -> str:
        seed = "" if self.seed is None else f" (seed {self.seed})"
        return f"This is withheld{seed}: it contains a word that this community has blocked."


class AgeRestricted(TokenwiseError):
    @property
    def sentence(self) -> str:
        return (
            "On servers I only work in age-restricted channels. Please use one, or send me a direct message."
        )


class AgeUnknown(TokenwiseError):
    """A thread whose channel the bot cannot see."""

    @property
    def sentence(self) -> str:
        return (
            "I can't tell whether this thread belongs to an age-restricted channel. "
            "Please use the channel itself, or send me a direct message."
        )
