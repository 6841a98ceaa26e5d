"""What a community does not allow."""

from __future__ import annotations

from bot.errors.base import InputError, TokenwiseError


class WordBlocked(InputError):
    """It does not say which word: that would show it."""

    @property
    def sentence(self) -> str:
        return "Your text contains a word that this community has blocked, so nothing was done with it."


class Withheld(TokenwiseError):
    """Something that would show a blocked word; ``seed`` is what the model wrote it with, if it did."""

    def __init__(self, *, seed: int | None = None) -> None:
        self.seed = seed

    @property
    def sentence(self) -> str:
        written = "" if self.seed is None else f" (seed {self.seed})"
        return f"This is withheld{written}: it contains a word that this community has blocked."


class AgeRestricted(TokenwiseError):
    @property
    def sentence(self) -> str:
        return (
            "On a server I may only be used in channels that are age-restricted; "
            "ask a moderator for one, or write to me directly."
        )


class AgeUnknown(TokenwiseError):
    """A thread whose channel the bot cannot see."""

    @property
    def sentence(self) -> str:
        return (
            "I can't see whether this thread belongs to an age-restricted channel; "
            "use me in the channel itself, or write to me directly."
        )
