"""Everything that can go wrong for a user or an operator, and how it is said.

    TokenwiseError                    .sentence is what a person reads
    ├── InputError                    the request itself cannot be served
    │   ├── BlankText
    │   ├── NoText                    a message without text
    │   ├── NoTokenIds
    │   ├── ContextExceeded           prompt + max_tokens > context
    │   ├── UnknownEncoding           … and the nearest known name
    │   ├── InvalidTokenId            the first id that is none
    │   └── RunExpired                a button whose run is no longer kept
    ├── UnavailableError              the same request can be served later
    │   ├── ModelLoading
    │   ├── QueueFull
    │   ├── TooManyRequests
    │   ├── DeadlineExceeded
    │   ├── ShuttingDown
    │   └── GenerationFailed          the model failed on this request
    ├── NotYours                      a button that only the author may press
    └── StartError                    the bot cannot start; for the operator
        ├── InvalidSetting            names the variable and what it allows
        ├── SettingsFileUnusable
        ├── PortTaken                 of the playground
        ├── ModelUnusable             names MODEL
        └── DiscordUnreachable

Each error carries data; the sentence is made from it.
"""

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
    """The bot cannot start."""


class BlankText(InputError):
    def __init__(self, option: str) -> None:
        self.option = option

    @property
    def sentence(self) -> str:
        return f"The {self.option} is blank: type at least one character that is not a space."


class NoText(InputError):
    @property
    def sentence(self) -> str:
        return "This message has no text that could be cut into tokens."


class NoTokenIds(InputError):
    @property
    def sentence(self) -> str:
        return "There are no token ids in this: give at least one, such as 40313."


class ContextExceeded(InputError):
    def __init__(self, *, prompt_tokens: int, max_tokens: int, context: int) -> None:
        self.prompt_tokens = prompt_tokens
        self.max_tokens = max_tokens
        self.context = context

    @property
    def sentence(self) -> str:
        return (
            f"The prompt is {_count(self.prompt_tokens, 'token')} long and you asked for "
            f"{self.max_tokens:,} more, but the model can see {self.context:,} in all: "
            f"shorten the prompt or ask for fewer."
        )


class UnknownEncoding(InputError):
    def __init__(self, name: str, *, nearest: str) -> None:
        self.name = name
        self.nearest = nearest

    @property
    def sentence(self) -> str:
        return f"There is no encoding or model called {_quoted(self.name)}. Did you mean {self.nearest}?"


class InvalidTokenId(InputError):
    def __init__(self, given: str, *, encoding: str, vocabulary: int) -> None:
        self.given = given
        self.encoding = encoding
        self.vocabulary = vocabulary

    @property
    def sentence(self) -> str:
        if self.given.isascii() and self.given.isdigit() and int(self.given[:10]) < self.vocabulary:
            return f"No token of {self.encoding} has the id {int(self.given)}."
        return (
            f"{_quoted(self.given)} is not a token id of {self.encoding}: "
            f"ids are whole numbers from 0 to {self.vocabulary - 1:,}."
        )


class RunExpired(InputError):
    @property
    def sentence(self) -> str:
        return "This card is too old for its buttons to work. Type the command again to go on."


class ModelLoading(UnavailableError):
    def __init__(self, progress: str) -> None:
        self.progress = progress

    @property
    def sentence(self) -> str:
        return f"The model is still loading ({self.progress}). Please try again in a moment."


class QueueFull(UnavailableError):
    def __init__(self, *, waiting: int, retry_after: float) -> None:
        self.waiting = waiting
        self.retry_after = retry_after

    @property
    def sentence(self) -> str:
        return (
            f"The queue is full: {_count(self.waiting, 'request')} waiting. "
            f"Please try again in about {_seconds(self.retry_after)}."
        )


class TooManyRequests(UnavailableError):
    def __init__(self, *, limit: int) -> None:
        self.limit = limit

    @property
    def sentence(self) -> str:
        return (
            f"You already have {_count(self.limit, 'request')} in progress. "
            "Wait until one is finished, or press Stop on a text that is being written."
        )


class DeadlineExceeded(UnavailableError):
    def __init__(self, *, seconds: float) -> None:
        self.seconds = seconds

    @property
    def sentence(self) -> str:
        return (
            f"This took longer than {_seconds(self.seconds)}, so it was given up. "
            "Please try again, with fewer tokens if the server is busy."
        )


class ShuttingDown(UnavailableError):
    @property
    def sentence(self) -> str:
        return "The bot is restarting. Please try again in a minute."


class GenerationFailed(UnavailableError):
    """``detail`` is for the log; it may name internals and is not shown."""

    def __init__(self, detail: str) -> None:
        self.detail = detail

    @property
    def sentence(self) -> str:
        return "The model failed on this request. Please try again."


class NotYours(TokenwiseError):
    def __init__(self, action: str) -> None:
        self.action = action

    @property
    def sentence(self) -> str:
        return f"Only the person who asked can {self.action} this."


class InvalidSetting(StartError):
    def __init__(self, variable: str, *, problem: str, allowed: str) -> None:
        self.variable = variable
        self.problem = problem
        self.allowed = allowed

    @property
    def sentence(self) -> str:
        return f"{self.variable} {self.problem}; it must be {self.allowed}."


class SettingsFileUnusable(StartError):
    def __init__(self, file: str, *, problem: str) -> None:
        self.file = file
        self.problem = problem

    @property
    def sentence(self) -> str:
        return f"The settings file {self.file} cannot be used: {self.problem}."


class PortTaken(StartError):
    def __init__(self, port: int) -> None:
        self.port = port

    @property
    def sentence(self) -> str:
        return f"Port {self.port} is in use: choose another with --port, or leave it out."


class ModelUnusable(StartError):
    def __init__(self, model: str, *, problem: str) -> None:
        self.model = model
        self.problem = problem

    @property
    def sentence(self) -> str:
        return f"MODEL={self.model} cannot be used: {self.problem}"


class DiscordUnreachable(StartError):
    def __init__(self, problem: str) -> None:
        self.problem = problem

    @property
    def sentence(self) -> str:
        return f"Discord cannot be reached ({self.problem}). Check the network and start the bot again."


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _quoted(given: str) -> str:
    return repr(given if len(given) <= 40 else given[:39] + "…")


def _seconds(seconds: float) -> str:
    if seconds < 90:
        return _count(max(1, round(seconds)), "second")
    return _count(round(seconds / 60), "minute")
