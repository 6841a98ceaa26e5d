"""Everything that can go wrong for a user or an operator, and how it is said.

    TokenwiseError                    .sentence is what a person reads
    ├── InputError                    the request itself cannot be served
    │   ├── BlankText
    │   ├── NoText                    a message without text
    │   ├── FilesTooLong              … the text files of a message
    │   ├── NoTokenIds
    │   ├── ContextExceeded           prompt + max_tokens > context
    │   ├── UnknownEncoding           … and the nearest known name
    │   ├── InvalidTokenId            the first id that is none
    │   ├── OtherTokenizer            a run whose ids are other words to the loaded model
    │   ├── InvalidSeed               typed where Discord does not check
    │   ├── TextTooShort              to be surprising
    │   ├── TextTooLong               text > context
    │   ├── NoSuchToken               no token of the vocabulary begins so
    │   ├── RunExpired                a button whose run is no longer kept
    │   ├── NoRun                     a message that is no card of a run
    │   ├── NothingWritten            a run without a token of the model's own
    │   ├── NothingToGuess            no four tokens that can be told apart
    │   ├── WordBlocked               a text with a word that the community has blocked
    │   └── NotRunning                a request to be stopped that is over
    ├── UnavailableError              the same request can be served later
    │   ├── ModelLoading
    │   ├── QueueFull
    │   ├── TooManyRequests           of one person
    │   ├── ServerBusy                … of one server
    │   ├── TooSoon                   a cooldown
    │   ├── DeadlineExceeded
    │   ├── ShuttingDown
    │   ├── DiscordFailed             … or the connection to it
    │   ├── FileUnreadable            … at a message's file
    │   ├── StoreUnavailable          the database failed
    │   └── GenerationFailed          the model failed on this request
    ├── Withheld                      what would show such a word
    ├── AgeRestricted                 a channel that is for all ages
    ├── AgeUnknown                    a thread of which the bot cannot know
    ├── NotYours                      a button that only the author may press
    ├── RevealTooEarly                … and after a while anybody
    └── StartError                    the bot cannot start; for the operator
        ├── InvalidSetting            names the variable and what it allows
        ├── SettingsFileUnusable
        ├── ShippedFileAltered        names the file under bot/data
        ├── PortTaken                 of the playground
        ├── ModelUnusable             names MODEL
        ├── DiscordUnreachable
        ├── LoginRefused              by Discord, or by something on the way to it
        ├── GatewayRefused            for good, by Discord
        ├── ServingEnded              what it cannot serve without has ended by itself
        └── OutputLost                what `try` prints cannot be written

Each error carries data; the sentence is made from it, and what people wrote is quoted
there by ``wording.quoted`` alone. ``spoken`` is the sentence as it is shown.
"""

from __future__ import annotations

from bot.errors.base import InputError, StartError, TokenwiseError, UnavailableError, spoken
from bot.errors.community import AgeRestricted, AgeUnknown, Withheld, WordBlocked
from bot.errors.guessing import NothingToGuess, RevealTooEarly
from bot.errors.requests import (
    BlankText,
    ContextExceeded,
    FilesTooLong,
    InvalidSeed,
    InvalidTokenId,
    NoRun,
    NoSuchToken,
    NoText,
    NothingWritten,
    NoTokenIds,
    NotRunning,
    NotYours,
    OtherTokenizer,
    RunExpired,
    TextTooLong,
    TextTooShort,
    UnknownEncoding,
)
from bot.errors.starting import (
    DiscordUnreachable,
    GatewayRefused,
    InvalidSetting,
    LoginRefused,
    ModelUnusable,
    OutputLost,
    PortTaken,
    ServingEnded,
    SettingsFileUnusable,
    ShippedFileAltered,
)
from bot.errors.unavailable import (
    DeadlineExceeded,
    DiscordFailed,
    FileUnreadable,
    GenerationFailed,
    ModelLoading,
    QueueFull,
    ServerBusy,
    ShuttingDown,
    StoreUnavailable,
    TooManyRequests,
    TooSoon,
)

__all__ = [
    "AgeRestricted",
    "AgeUnknown",
    "BlankText",
    "ContextExceeded",
    "DeadlineExceeded",
    "DiscordFailed",
    "DiscordUnreachable",
    "FileUnreadable",
    "FilesTooLong",
    "GatewayRefused",
    "GenerationFailed",
    "InputError",
    "InvalidSeed",
    "InvalidSetting",
    "InvalidTokenId",
    "LoginRefused",
    "ModelLoading",
    "ModelUnusable",
    "NoRun",
    "NoSuchToken",
    "NoText",
    "NoTokenIds",
    "NotRunning",
    "NotYours",
    "NothingToGuess",
    "NothingWritten",
    "OtherTokenizer",
    "OutputLost",
    "PortTaken",
    "QueueFull",
    "RevealTooEarly",
    "RunExpired",
    "ServerBusy",
    "ServingEnded",
    "SettingsFileUnusable",
    "ShippedFileAltered",
    "ShuttingDown",
    "StartError",
    "StoreUnavailable",
    "TextTooLong",
    "TextTooShort",
    "TokenwiseError",
    "TooManyRequests",
    "TooSoon",
    "UnavailableError",
    "UnknownEncoding",
    "Withheld",
    "WordBlocked",
    "spoken",
]
