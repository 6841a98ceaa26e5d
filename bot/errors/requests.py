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
        return f"The {self.option} is blank: type at least one character that is not a space."


class NoText(InputError):
    @property
    def sentence(self) -> str:
        return (
            "This message has no text that could be cut into tokens: "
            "I read what people write, embeds, polls and text files, but not pictures."
        )


class FilesTooLong(InputError):
    """``limit`` is in bytes, for all of a message's files of text together."""

    def __init__(self, *, limit: int) -> None:
        self.limit = limit

    @property
    def sentence(self) -> str:
        return (
            f"The text files of this message are too long: I can read up to {self.limit // 1024:,} KB, "
            "all of them together."
        )


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
        if self.prompt_tokens >= self.context:
            return (
                f"The prompt is {count(self.prompt_tokens, 'token')} long, but the model can see "
                f"{self.context:,} in all, those that it writes included: shorten the prompt."
            )
        return (
            f"The prompt is {count(self.prompt_tokens, 'token')} long and you asked for "
            f"{self.max_tokens:,} more, but the model can see {self.context:,} in all: "
            f"shorten the prompt or ask for fewer."
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
            return f"No token of {clipped(self.encoding)} has the id {self.number}."
        return (
            f"{quoted(self.given)} is not a token id of {clipped(self.encoding)}: "
            f"ids are whole numbers from 0 to {self.vocabulary - 1:,}."
        )


class OtherTokenizer(InputError):
    """A run whose token ids mean something else to the model that is loaded now."""

    @property
    def sentence(self) -> str:
        return (
            "A model with a different tokenizer wrote this; the one that is loaded now would read other "
            "words in it. Please ask again with the command."
        )


class InvalidSeed(InputError):
    def __init__(self, given: str, *, highest: int) -> None:
        self.given = given
        self.highest = highest

    @property
    def sentence(self) -> str:
        return f"{quoted(self.given)} is not a seed: seeds are whole numbers from 0 to {self.highest:,}."


class TextTooShort(InputError):
    @property
    def sentence(self) -> str:
        return "This text is a single token, and a token only surprises after another: write a little more."


class TextTooLong(InputError):
    def __init__(self, *, tokens: int, context: int) -> None:
        self.tokens = tokens
        self.context = context

    @property
    def sentence(self) -> str:
        return (
            f"The text is {count(self.tokens, 'token')} long, but the model can see {self.context:,}: "
            "shorten it."
        )


class NoSuchToken(InputError):
    def __init__(self, query: str, *, vocabulary: int) -> None:
        self.query = query
        self.vocabulary = vocabulary

    @property
    def sentence(self) -> str:
        number = self.query.strip().removeprefix("#")
        if number.isdecimal():
            return f"There is no token {clipped(number)}: ids go from 0 to {self.vocabulary - 1:,}."
        return f"No single token begins with {quoted(self.query)}; /tokens shows the several that write it."


class RunExpired(InputError):
    """``days`` is how long runs are kept."""

    def __init__(self, *, days: int) -> None:
        self.days = days

    @property
    def sentence(self) -> str:
        return (
            f"What this card was made from is no longer kept: it is deleted after {count(self.days, 'day')}, "
            "or when its author asks for it. Type the command again to go on."
        )


class NoRun(InputError):
    @property
    def sentence(self) -> str:
        return "There is nothing to replay in this message: choose a text of /complete or a table of /next."


class NothingWritten(InputError):
    @property
    def sentence(self) -> str:
        return (
            "There is nothing to replay: the model has written nothing here, "
            "or nothing behind the token that was chosen by hand."
        )


class NotRunning(InputError):
    """A request to be stopped that is not in progress."""

    @property
    def sentence(self) -> str:
        return "This is not being written any more."


class NotYours(TokenwiseError):
    """``moderators`` says whether those may do it, too."""

    def __init__(self, action: str, *, moderators: bool = False) -> None:
        self.action = action
        self.moderators = moderators

    @property
    def sentence(self) -> str:
        who = "Only the person who asked, or a moderator," if self.moderators else "Only the person who asked"
        return f"{who} can {self.action} this."
