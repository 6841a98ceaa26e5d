"""An interaction, from a person's click or command to the bot's final reply."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from tests.fakes.discord.components import pressable, texts
from tests.fakes.discord.gateway import Connection
from tests.fakes.discord.state import Channel, Json, Message, Person

TO_BE_READ = 0.3  # seconds after which the bot is assumed to have read what was written


class InteractionType(IntEnum):
    """Interaction types."""

    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL = 5


class CallbackType(IntEnum):
    """Interaction callback types."""

    MESSAGE = 4
    DEFERRED_MESSAGE = 5
    DEFERRED_UPDATE = 6
    UPDATE = 7
    AUTOCOMPLETE = 8
    MODAL = 9


@dataclass(eq=False)
class Interaction:
    """One interaction. Times are those of ``time.monotonic``."""

    id: int
    kind: InteractionType
    token: str = field(repr=False)
    person: Person
    channel: Channel
    data: Mapping[str, object] = field(repr=False)
    message: Message | None = None  # the one whose button was pressed, or from which a form was opened
    sent_at: float = field(default_factory=time.monotonic)
    delivered_at: float | None = None  # first written to the bot's connection
    written_at: float | None = None  # last written, again after a RESUME
    written_to: Connection | None = field(default=None, repr=False)
    deliveries: int = 0
    acknowledged_at: float | None = None
    refused: int = 0  # attempts to acknowledge it again
    callback: CallbackType | None = None
    reply: Message | None = None  # @original; if it is deleted, it stays here, marked so
    revision: int = 0  # the reply's at the time of the acknowledgement
    followups: list[Message] = field(default_factory=list)
    modal: Json | None = None
    choices: list[Json] | None = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    @property
    def latency(self) -> float:
        """Seconds from sending the interaction to the arrival of its callback."""
        if self.acknowledged_at is None:
            raise ValueError(f"interaction {self.id} was not acknowledged")
        return self.acknowledged_at - self.sent_at

    @property
    def is_acknowledged(self) -> bool:
        return self.acknowledged_at is not None

    @property
    def all_messages(self) -> list[Message]:
        """The reply and follow-ups that are still there, @original first."""
        original = [self.reply] if self.reply is not None else []
        return [message for message in [*original, *self.followups] if not message.deleted]

    @property
    def is_settled(self) -> bool:
        """Whether the reply looks final."""
        if not self.is_acknowledged:
            return False
        return self.reply is None or self.reply.deleted or is_final(self.reply)

    async def acknowledged(self, patience: float = 10.0) -> Interaction:
        return await self.until(lambda: self.is_acknowledged, patience)

    async def settled(self, patience: float = 30.0) -> Interaction:
        return await self.until(lambda: self.is_settled, patience)

    async def until(self, happened: Callable[[], bool], patience: float = 30.0) -> Interaction:
        """Return once ``happened()``, tested after each change; TimeoutError after ``patience`` seconds."""
        async with asyncio.timeout(patience):
            while not happened():
                self._changed.clear()
                await self._changed.wait()
        return self

    @property
    def is_heard(self) -> bool:
        """Whether the bot must have read it: the connection was not cut soon after."""
        if self.written_at is None or self.written_to is None:
            return False
        cut_at = self.written_to.cut_at
        return cut_at is None or cut_at - self.written_at > TO_BE_READ

    def written(self, to: Connection) -> None:
        self.written_at, self.written_to = time.monotonic(), to
        self.deliveries += 1
        if self.delivered_at is None:
            self.delivered_at = self.written_at

    def changed(self) -> None:
        self._changed.set()


def is_final(message: Message) -> bool:
    """Not "thinking…", no *Stop* to press, not greyed out until its successor comes."""
    if message.is_loading or list(texts(message.components)) == ["…"]:
        return False
    items = list(pressable(message.components))
    if any(item.get("label") == "Stop" for item in items):
        return False
    return not items or not all(item.get("disabled") for item in items)
