"""The roots of the error tree."""

from __future__ import annotations

from abc import ABC, abstractmethod


class TokenwiseError(Exception, ABC):
    @property
    @abstractmethod
    def sentence(self) -> str:
        """One clear sentence for the person it concerns."""

    def __str__(self) -> str:
        return self.sentence


class InputError(TokenwiseError):
    """The request cannot be served as it is."""


class UnavailableError(TokenwiseError):
    """The request is fine; the bot cannot serve it now."""


class StartError(TokenwiseError):
    """The bot cannot start. ``may_pass`` says whether it may, at another time, as it is set up."""

    may_pass = False
