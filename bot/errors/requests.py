"""What is wrong with a request itself."""

from __future__ import annotations

from typing import Literal

from bot.errors.base import InputError, TokenwiseError
from bot.errors.wording import clipped, count, quoted


class BlankText(InputError):
    def __init__(self, option: Literal["prompt", "text"]) -> None:
        self.option = option

    @property
    def sentence(self) -> str:
        return f"The {self.option} is blank. Please type something."


class NoText(InputError):
    @property
    def sentence(self) -> str:
        return "I found no text in this message. I read text, embeds, polls and text files, but not pictures."


class FilesTooLong(InputError):
    """``limit`` is in bytes, for all of a message's files of text together."""

    def __init__(self, *, limit: int) -> None:
        self.limit = limit

    @property
    def sentence(self) -> str:
        return f"The text files are too large: I can read up to {self.limit // 1024:,} KB per message."


class NoTokenIds(InputError):
    @property
    def sentence(self) -> str:
        return "I found no token ids. Please give at least one, such as 40313."


class ContextExceeded(InputError):
    def __init__(self, *, prompt_tokens: int, max_tokens: int, context: int) -> None:
        self.prompt_tokens = prompt_tokens
        self.max_tokens = max_tokens
        self.context = context

    @property
    def sentence(self) -> str:
        tokens = count(self.prompt_tokens, "token")
        if self.prompt_tokens >= self.context:
            return (
                f"That's {tokens}; the model can only see {self.context:,}, including what it writes. "
                "Please shorten your prompt."
            )
        return (
            f"That's {tokens} and you asked for {self.max_tokens:,} more, but the model can only see "
            f"{self.context:,}. Please shorten your prompt or ask for fewer."
        )


class UnknownEncoding(InputError):
    """``nearest`` is the most similar name. If it is not close, the ``known`` names are listed instead."""

    def __init__(self, name: str, *, nearest: str, known: tuple[str, ...] = ()) -> None:
        self.name = name
        self.nearest = nearest
        self.known = known

    @property
    def sentence(self) -> str:
        if self.known:
            names = ", ".join(map(clipped, self.known))
            return (
                f"I don't know the encoding {quoted(self.name)}. Try {names}, or the name of an OpenAI model."
            )
        return (
            f"There is no encoding or model called {quoted(self.name)}. Did you mean {clipped(self.nearest)}?"
        )


class InvalidTokenId(InputError):
    """``number`` is the id that ``given`` is, where it lies within the vocabulary and no token has it."""

    def __init__(self, given: str, *, encoding: str, vocabulary: int, number: int | None = None) -> None:
        self.given = given
        self.encoding = encoding
        self.vocabulary = vocabulary
        self.number = number

    @property
    def sentence(self) -> str:
        if self.number is not None:
            return f"There's no token {self.number} in {clipped(self.encoding)}."
        return (
            f"{quoted(self.given)} isn't a token id in {clipped(self.encoding)}. "
            f"Ids are whole numbers from 0 to {self.vocabulary - 1:,}."
        )


class OtherTokenizer(InputError):
    """A run whose token ids mean something else to the model that is loaded now."""

    @property
    def sentence(self) -> str:
        return (
            "A model with a different tokenizer wrote this, so the current one can't read it. "
            "Please run the command again."
        )


class InvalidSeed(InputError):
    def __init__(self, given: str, *, highest: int) -> None:
        self.given = given
        self.highest = highest

    @property
    def sentence(self) -> str:
        return f"{quoted(self.given)} isn't a seed. Seeds are whole numbers from 0 to {self.highest:,}."


class TextTooShort(InputError):
    @property
    def sentence(self) -> str:
        return "That's only one token. Please write at least two."


class TextTooLong(InputError):
    def __init__(self, *, tokens: int, context: int) -> None:
        self.tokens = tokens
        self.context = context

    @property
    def sentence(self) -> str:
        return (
            f"That's {count(self.tokens, 'token')}; the model can only see {self.context:,}. "
            "Please shorten your text."
        )


class NoSuchToken(InputError):
    def __init__(self, query: str, *, vocabulary: int) -> None:
        self.query = query
        self.vocabulary = vocabulary

    @property
    def sentence(self) -> str:
        number = self.query.strip().removeprefix("#")
        if number.isdecimal():
            return f"There's no token {clipped(number)}. Ids go from 0 to {self.vocabulary - 1:,}."
        return f"No single token starts with {quoted(self.query)}. Use /tokens to see how it is split."


class RunExpired(InputError):
    """``days`` is how long runs are kept."""

    def __init__(self, *, days: int) -> None:
        self.days = days

    @property
    def sentence(self) -> str:
        return (
            f"This card no longer works: its data was deleted, after {count(self.days, 'day')} or "
            "because its author asked. Please run the command again."
        )


class NoRun(InputError):
    @property
    def sentence(self) -> str:
        return "There's nothing to replay in this message. Choose one from /complete or /next."


class NothingWritten(InputError):
    @property
    def sentence(self) -> str:
        return (
            "There's nothing to replay: the model wrote nothing here, or nothing after the hand-picked token."
        )


class NotRunning(InputError):
    """A request to be stopped that is not in progress."""

    @property
    def sentence(self) -> str:
        return "Already finished."


class NotYours(TokenwiseError):
    """``moderators`` says whether those may do it, too."""

    def __init__(self, action: str, *, moderators: bool = False) -> None:
        self.action = action
        self.moderators = moderators

    @property
    def sentence(self) -> str:
        who = "the person who asked or a moderator" if self.moderators else "the person who asked"
        return f"Only {who} can {self.action} this."
