"""The roots of the error tree."""

from __future__ import annotations

from abc import ABC, abstractmethod

from bot.errors.wording import one_line


class TokenwiseError(Exception, ABC):
    @property
    @abstractmethod
    def sentence(self) -> str:
        """One clear sentence for the person it concerns."""

    def __str__(self) -> str:
        """As ``spoken``; for discord.py and the log, which ask for it while they handle the error."""
        try:
            return spoken(self)
        except Exception:
            return type(self).__name__


def spoken(error: TokenwiseError) -> str:
    """The error's sentence, as a card or a terminal shows it: one short line, whatever it is made from."""
    return one_line(error.sentence) or type(error).__name__


class InputError(TokenwiseError):
    """The request cannot be served as it is."""


class UnavailableError(TokenwiseError):
    """The request is fine; the bot cannot serve it now."""


class StartError(TokenwiseError):
    """The bot cannot start. ``may_pass`` says whether it may, at another time, as it is set up."""

    may_pass = False
