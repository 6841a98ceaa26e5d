"""Everything that can go wrong for a user or an operator, and the one sentence that says so.

    TokenwiseError
    ├── InputError                    the request itself can't be served
    │   ├── BlankText
    │   ├── NoText                    a message without text
    │   ├── FilesTooLarge             a message's text files
    │   ├── NoTokenIds
    │   ├── ContextExceeded           prompt + max_tokens > context
    │   ├── UnknownEncoding           and the nearest known name
    │   ├── InvalidTokenId            the first word that isn't an id
    │   ├── TokenizerMismatch         the loaded model would read a run's ids as other words
    │   ├── InvalidSeed               typed where Discord doesn't check
    │   ├── TextTooShort              to be scored
    │   ├── TextTooLong               text > context
    │   ├── NoSuchToken               nothing in the vocabulary starts like this
    │   ├── RunExpired                a button whose run was deleted
    │   ├── NoRun                     a message that isn't the card of a run
    │   ├── NothingWritten            a run without a token of the model's own
    │   ├── MixedText                 a run that no single model could write again
    │   ├── TextTooOld                a run that depends on the kind of processor
    │   ├── NothingToGuess            no four tokens that look different
    │   ├── WordBlocked               a text with a word the community has blocked
    │   └── NotRunning                a request to stop that is over
    ├── UnavailableError              the same request can be served later
    │   ├── ModelLoading
    │   ├── ModelUnreachable          it is a service, and away
    │   ├── QueueFull
    │   ├── TooManyRequests           of one person
    │   ├── ServerBusy                of one server
    │   ├── TooSoon                   a cooldown
    │   ├── DeadlineExceeded
    │   ├── ShuttingDown
    │   ├── StoreUnavailable          the database failed
    │   ├── GenerationFailed          the model failed on this request
    │   ├── DiscordFailed             Discord, or the connection to it, refused a reply
    │   └── FileUnreadable            or didn't deliver a message's file
    ├── Stopped                       by the person who asked, before it began
    ├── Withheld                      a reply with a blocked word
    ├── AgeRestricted                 a channel for all ages
    ├── AgeUnknown                    a thread in a channel the bot can't see
    ├── NotYours                      a button only the author may press
    ├── RevealTooEarly                a button anyone may press later
    ├── RoundGoesOn                   a round whose answer is still a secret
    └── StartError                    the bot can't start or go on; for the operator
        ├── InvalidSetting            names the variable and what it allows
        ├── SettingsFileUnusable
        ├── ShippedFileAltered        names the file under bot/data
        ├── ReceiptUnusable           a file that `verify` can't check, and why
        ├── DatabaseNewer             made by a newer bot
        ├── DatabaseUnreachable       by `migrate`
        ├── PortTaken                 the playground's
        ├── ModelUnusable             names MODEL
        ├── ServiceAway               names MODEL_URL; after one command in the terminal
        ├── DiscordUnreachable
        ├── LoginRefused              by Discord, or by something on the way to it
        ├── GatewayRefused            by Discord, for good
        ├── UnexpectedStop            something the bot can't serve without has ended
        └── OutputLost                `try` can't print its card

Each error carries data and makes its sentence from it; :mod:`bot.quoting` quotes what people wrote.
:mod:`bot.system.exit_status` says how the process ends after a StartError.

The dataclasses cannot be frozen: contextlib sets ``__traceback__`` of what passes through it, and
``add_note`` sets ``__notes__``. They compare by identity, as all exceptions do.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from typing import Literal

from bot.quoting import clipped, duration, one_line, plural, quoted

# Discord takes 4,000 characters, each of which may be escaped; one sentence needs far fewer.
LONGEST_SENTENCE = 500


class TokenwiseError(Exception, ABC):
    @property
    @abstractmethod
    def sentence(self) -> str:
        """One clear sentence for the person it concerns."""

    def __str__(self) -> str:
        """As :func:`spoken`; never raises, for discord.py and logging call it while they handle the error."""
        try:
            return spoken(self)
        except Exception:
            return type(self).__name__


def spoken(error: TokenwiseError) -> str:
    """The error's sentence as a card or a terminal shows it: one short line, whatever its data."""
    return one_line(error.sentence, LONGEST_SENTENCE) or type(error).__name__


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """``error``, then what it was raised from or while handling, and so on."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


class InputError(TokenwiseError):
    """The request can't be served as it is."""


@dataclass(eq=False)
class BlankText(InputError):
    option: Literal["prompt", "text"]

    @property
    def sentence(self) -> str:
        return f"The {self.option} is blank. Please type something."


class NoText(InputError):
    sentence = "I found no text in this message. I read text, embeds, polls and text files, but not pictures."


@dataclass(eq=False, kw_only=True)
class FilesTooLarge(InputError):
    """``limit`` is in bytes, for all text files of a message together."""

    limit: int

    @property
    def sentence(self) -> str:
        return f"The text files are too large: I can read up to {self.limit // 1024:,} KB per message."


class NoTokenIds(InputError):
    sentence = "I found no token ids. Please give at least one, such as 40313."


@dataclass(eq=False, kw_only=True)
class ContextExceeded(InputError):
    prompt_tokens: int
    max_tokens: int
    context: int

    @property
    def sentence(self) -> str:
        tokens = plural(self.prompt_tokens, "token")
        if self.prompt_tokens >= self.context:
            return (
                f"That's {tokens}; the model can only see {self.context:,}, including what it writes. "
                "Please shorten your prompt."
            )
        return (
            f"That's {tokens} and you asked for {self.max_tokens:,} more, but the model can only see "
            f"{self.context:,}. Please shorten your prompt or ask for fewer."
        )


@dataclass(eq=False)
class UnknownEncoding(InputError):
    """``nearest`` is the most similar name. If it isn't close, the ``known`` names are listed instead."""

    name: str
    _: KW_ONLY
    nearest: str
    known: tuple[str, ...] = ()

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


@dataclass(eq=False)
class InvalidTokenId(InputError):
    """``number`` is what ``given`` spells, if that is below ``vocabulary`` and no token has it."""

    given: str
    _: KW_ONLY
    encoding: str
    vocabulary: int
    number: int | None = None

    @property
    def sentence(self) -> str:
        if self.number is not None:
            return f"There's no token {self.number} in {clipped(self.encoding)}."
        return (
            f"{quoted(self.given)} isn't a token id in {clipped(self.encoding)}. "
            f"Ids are whole numbers from 0 to {self.vocabulary - 1:,}."
        )


class TokenizerMismatch(InputError):
    sentence = (
        "A model with a different tokenizer wrote this, so the current one can't read it. "
        "Please run the command again."
    )


@dataclass(eq=False)
class InvalidSeed(InputError):
    given: str
    _: KW_ONLY
    highest: int

    @property
    def sentence(self) -> str:
        return f"{quoted(self.given)} isn't a seed. Seeds are whole numbers from 0 to {self.highest:,}."


class TextTooShort(InputError):
    sentence = "That's only one token. Please write at least two."


@dataclass(eq=False, kw_only=True)
class TextTooLong(InputError):
    tokens: int
    context: int

    @property
    def sentence(self) -> str:
        return (
            f"That's {plural(self.tokens, 'token')}; the model can only see {self.context:,}. "
            "Please shorten your text."
        )


@dataclass(eq=False)
class NoSuchToken(InputError):
    query: str
    _: KW_ONLY
    vocabulary: int

    @property
    def sentence(self) -> str:
        number = self.query.strip().removeprefix("#")
        if number.isdecimal():
            return f"There's no token {clipped(number)}. Ids go from 0 to {self.vocabulary - 1:,}."
        return f"No single token starts with {quoted(self.query)}. /tokens shows how that text is split."


@dataclass(eq=False, kw_only=True)
class RunExpired(InputError):
    """``days`` is how long runs are kept."""

    days: int

    @property
    def sentence(self) -> str:
        return (
            f"This card no longer works: its data was deleted, after {plural(self.days, 'day')} or "
            "because its author asked. Please run the command again."
        )


class NoRun(InputError):
    sentence = "There's nothing to replay in this message. Choose one from /complete or /next."


class NothingWritten(InputError):
    sentence = (
        "There's nothing to write again: the model wrote nothing here, or nothing after the token that was "
        "picked by hand."
    )


class MixedText(InputError):
    sentence = "Different models wrote parts of this text, so there's no receipt for it."


class TextTooOld(InputError):
    sentence = (
        "An older version of me wrote this, and its texts depended on the processor, so there's no receipt "
        "for it. Please run the command again."
    )


class NothingToGuess(InputError):
    sentence = (
        "There's nothing to guess here: the most likely tokens look alike, are parts of characters, "
        "or end the text. Please try another text."
    )


class WordBlocked(InputError):
    """It doesn't say which word: that would show it."""

    sentence = "Your text contains a word that this community has blocked, so I didn't use it."


class NotRunning(InputError):
    sentence = "Already finished."


class UnavailableError(TokenwiseError):
    """The request is fine; the bot can't serve it now."""


@dataclass(eq=False)
class ModelLoading(UnavailableError):
    progress: str

    @property
    def sentence(self) -> str:
        return f"The model is still loading ({self.progress}). Please try again in a moment."


@dataclass(eq=False, kw_only=True)
class ModelUnreachable(UnavailableError):
    retry_after: float

    @property
    def sentence(self) -> str:
        return f"I can't reach the model right now. Please try again {_again(self.retry_after)}."


def _again(retry_after: float | None) -> str:
    return "when one finishes" if retry_after is None else f"in about {duration(retry_after)}"


@dataclass(eq=False, kw_only=True)
class QueueFull(UnavailableError):
    waiting: int
    retry_after: float

    @property
    def sentence(self) -> str:
        return (
            f"The queue is full: {plural(self.waiting, 'request')} waiting. "
            f"Please try again {_again(self.retry_after)}."
        )


@dataclass(eq=False, kw_only=True)
class TooManyRequests(UnavailableError):
    """``retry_after`` is None before anything was measured; ``stoppable``: the person can end one."""

    limit: int
    retry_after: float | None
    stoppable: bool = True

    @property
    def sentence(self) -> str:
        stop = ", or press Stop to end one" if self.stoppable else ""
        return (
            f"You already have {plural(self.limit, 'request')} in progress. "
            f"Please try again {_again(self.retry_after)}{stop}."
        )


@dataclass(eq=False, kw_only=True)
class ServerBusy(UnavailableError):
    """As TooManyRequests, for all people of a server together."""

    limit: int
    retry_after: float | None

    @property
    def sentence(self) -> str:
        return (
            f"This server already has {plural(self.limit, 'request')} in progress. "
            f"Please try again {_again(self.retry_after)}."
        )


@dataclass(eq=False, kw_only=True)
class TooSoon(UnavailableError):
    """A person or a server may start a request every ``cooldown`` seconds."""

    cooldown: float
    retry_after: float
    of_server: bool

    @property
    def sentence(self) -> str:
        who = "This server" if self.of_server else "You"
        # Rounded up: coming back at the time we name must not be too early.
        unit = 1 if self.retry_after < 89 else 60
        wait = duration(unit * math.ceil(self.retry_after / unit))
        return f"{who} can ask once every {duration(self.cooldown)}. Please try again in {wait}."


@dataclass(eq=False, kw_only=True)
class DeadlineExceeded(UnavailableError):
    seconds: float

    @property
    def sentence(self) -> str:
        return (
            f"This took longer than {duration(self.seconds)}, so I stopped. "
            "Please try again; if the server is busy, ask for fewer tokens."
        )


class ShuttingDown(UnavailableError):
    sentence = "I'm restarting. Please try again in a minute."


@dataclass(eq=False)
class StoreUnavailable(UnavailableError):
    """``detail`` is for the log and isn't shown."""

    detail: str
    sentence = "I can't reach my database right now, so nothing was done. Please try again in a minute."


@dataclass(eq=False)
class GenerationFailed(UnavailableError):
    """``detail`` is for the log; it may name internals and isn't shown."""

    detail: str
    sentence = "The model failed on this request. Please try again."


class DiscordFailed(UnavailableError):
    sentence = "Discord didn't accept my reply. Please try again."


class FileUnreadable(UnavailableError):
    sentence = "I couldn't get this message's text file from Discord. Please try again."


class Stopped(TokenwiseError):
    sentence = "Stopped before the model was ready. Nothing was written."


@dataclass(eq=False, kw_only=True)
class Withheld(TokenwiseError):
    """``seed`` is what the model wrote it with, if it did."""

    seed: int | None = None

    @property
    def sentence(self) -> str:
        seed = "" if self.seed is None else f" (seed {self.seed})"
        return f"This is withheld{seed}: it contains a word that this community has blocked."


class AgeRestricted(TokenwiseError):
    sentence = (
        "On servers I only work in age-restricted channels. Please use one, or send me a direct message."
    )


class AgeUnknown(TokenwiseError):
    sentence = (
        "I can't tell whether this thread belongs to an age-restricted channel. "
        "Please use the channel itself, or send me a direct message."
    )


@dataclass(eq=False)
class NotYours(TokenwiseError):
    """``moderators`` says whether they may do it, too."""

    action: str
    _: KW_ONLY
    moderators: bool = False

    @property
    def sentence(self) -> str:
        who = "the person who asked or a moderator" if self.moderators else "the person who asked"
        return f"Only {who} can {self.action} this."


@dataclass(eq=False, kw_only=True)
class RevealTooEarly(TokenwiseError):
    """In ``seconds`` anyone may reveal the round."""

    seconds: float

    @property
    def sentence(self) -> str:
        return (
            "For now, only the person who started this round or a moderator can reveal it. "
            f"Anyone can in {duration(self.seconds)}."
        )


class RoundGoesOn(TokenwiseError):
    sentence = "This round isn't over yet, so its numbers are still a secret."


class StartError(TokenwiseError):
    """The bot can't start or go on; for the operator."""


@dataclass(eq=False)
class InvalidSetting(StartError):
    variable: str
    _: KW_ONLY
    problem: str
    allowed: str

    @property
    def sentence(self) -> str:
        return f"{self.variable} {self.problem}; it must be {self.allowed}."


@dataclass(eq=False)
class SettingsFileUnusable(StartError):
    file: str
    _: KW_ONLY
    problem: str

    @property
    def sentence(self) -> str:
        return f"The settings file {self.file} cannot be used: {self.problem}."


@dataclass(eq=False)
class ShippedFileAltered(StartError):
    file: str
    _: KW_ONLY
    problem: str

    @property
    def sentence(self) -> str:
        return f"The file bot/data/{self.file} {self.problem}: restore it, for example with a fresh clone."


@dataclass(eq=False)
class ReceiptUnusable(StartError):
    file: str
    _: KW_ONLY
    problem: str

    @property
    def sentence(self) -> str:
        return f"The receipt {quoted(self.file)} cannot be verified: {self.problem}."


@dataclass(eq=False)
class DatabaseNewer(StartError):
    """Its revision, or its schema, is none that this bot knows."""

    found: str
    _: KW_ONLY
    known: str

    @property
    def sentence(self) -> str:
        return (
            f"The database has the tables of another version ({self.found}, not {self.known}), a newer one, "
            "so it was left alone: upgrade the bot, or give DATABASE_URL a new one."
        )


@dataclass(eq=False)
class DatabaseUnreachable(StartError):
    detail: str

    @property
    def sentence(self) -> str:
        return f"The database cannot be reached or read: {self.detail}."


@dataclass(eq=False)
class PortTaken(StartError):
    port: int

    @property
    def sentence(self) -> str:
        return f"Port {self.port} is in use: choose another with --port, or omit it to use any free one."


#: Why a model can't be used: the codes in which the worker says so.
UnusableReason = Literal[
    "not_found",  # no such folder, file, hub model or revision
    "forbidden",  # the hub, the system or a setting doesn't allow reading it
    "not_gpt2",  # it is another kind of model
    "failed",  # its files are broken, or this processor can't run it as it is set up
    "not_fetched",  # the hub is away or busy, or the download was cut off
    "no_memory",
    "disk_full",
    "disk_error",
    "fault",  # none of the above: something unforeseen
]


@dataclass(eq=False)
class ModelUnusable(StartError):
    """``problem`` is a sentence's end, with its full stop."""

    model: str
    _: KW_ONLY
    problem: str
    reason: UnusableReason

    @property
    def sentence(self) -> str:
        return f"MODEL={self.model} cannot be used: {self.problem}"


@dataclass(eq=False, kw_only=True)
class ServiceAway(StartError):
    """No model service has been ready at ``address`` for ``seconds``.

    ``problem`` is what is wrong with what answers there, None if nobody does.
    """

    address: str
    seconds: float
    problem: str | None

    @property
    def sentence(self) -> str:
        time = duration(self.seconds)
        if self.problem is None:
            return (
                f"Nobody has answered at MODEL_URL={self.address} for {time}. Start the model service there, "
                "or correct MODEL_URL."
            )
        return (
            f"The model service at MODEL_URL={self.address} has not been ready for {time}: {self.problem}. "
            "Try again later, or correct MODEL_URL."
        )


@dataclass(eq=False)
class DiscordUnreachable(StartError):
    problem: str

    @property
    def sentence(self) -> str:
        return f"Discord cannot be reached ({self.problem}). Check the network and restart the bot."


@dataclass(eq=False)
class LoginRefused(StartError):
    """``pause`` is how many seconds to wait before the next try: Discord bans those who ask too often."""

    problem: str
    _: KW_ONLY
    pause: float

    @property
    def sentence(self) -> str:
        return f"The bot could not log in to Discord ({self.problem}). Restart it later."


@dataclass(eq=False)
class GatewayRefused(StartError):
    """``code`` is the one Discord closed the connection with."""

    code: int

    @property
    def sentence(self) -> str:
        why = (
            "the bot is on too many servers for so few shards: leave SHARDS empty, or set it to more"
            if self.code == 4011
            else "it no longer supports this version of the bot, so update the bot"
        )
        return f"Discord closed the connection for good (code {self.code}): {why}."


@dataclass(eq=False)
class UnexpectedStop(StartError):
    problem: str

    @property
    def sentence(self) -> str:
        return f"The bot stopped unexpectedly: {self.problem}. Restart it."


@dataclass(eq=False)
class OutputLost(StartError):
    """``problem`` is the system's word for it, such as a full disk."""

    problem: str

    @property
    def sentence(self) -> str:
        return f"The output cannot be written: {self.problem}."
