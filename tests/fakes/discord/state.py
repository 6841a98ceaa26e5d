"""What Discord knows: people, servers, channels, messages."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from typing import Any

Json = dict[str, Any]


class Flag(IntFlag):
    """Message flags."""

    EPHEMERAL = 1 << 6
    LOADING = 1 << 7  # "thinking…"
    COMPONENTS_V2 = 1 << 15


class ChannelKind(IntEnum):
    TEXT = 0
    DM = 1
    THREAD = 11


@dataclass(frozen=True, slots=True)
class Person:
    """A person or the bot. ``permissions`` is Discord's bit field, the same on every server."""

    id: int
    name: str
    is_bot: bool = False
    permissions: int = 0x0000_0000_8004_8C40  # @everyone's: view, send, attach, use commands


@dataclass(eq=False, slots=True)
class Guild:
    """A server. If ``has_bot`` is false, people may still have installed the bot for themselves."""

    id: int
    name: str
    channels: dict[int, Channel] = field(default_factory=dict)
    has_bot: bool = True


@dataclass(eq=False, slots=True)
class Channel:
    """``refusal`` is the error code that answers every request in this channel, such as 50001.

    A thread has a ``parent``, and counts as ``nsfw`` if that does.
    """

    id: int
    name: str
    guild: Guild | None  # None: a direct message channel with the bot
    messages: dict[int, Message] = field(default_factory=dict)
    deleted: bool = False
    refusal: int | None = None
    nsfw: bool = False
    parent: Channel | None = None

    @property
    def kind(self) -> ChannelKind:
        if self.parent is not None:
            return ChannelKind.THREAD
        return ChannelKind.DM if self.guild is None else ChannelKind.TEXT


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file as Discord keeps it; ``url`` leads to the fake."""

    id: int
    filename: str
    url: str
    content_type: str
    content: bytes = field(repr=False)


@dataclass(eq=False, slots=True)
class Message:
    """``revision`` counts the edits. A ``deleted`` message keeps its content."""

    id: int
    channel: Channel
    author: Person
    content: str = ""
    components: list[Json] = field(default_factory=list)
    flags: int = 0
    attachments: dict[str, Attachment] = field(default_factory=dict)
    interaction: Mapping[str, Any] | None = None
    created_at: float = field(default_factory=time.time)
    edited_at: float | None = None
    revision: int = 0
    deleted: bool = False

    @property
    def is_ephemeral(self) -> bool:
        return bool(self.flags & Flag.EPHEMERAL)

    @property
    def is_loading(self) -> bool:
        return bool(self.flags & Flag.LOADING)
