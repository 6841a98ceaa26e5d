"""A person's private messages that their later presses edit, so that several make one message.

Discord lets the bot edit such a message only with the token of the press that it answers, for 15 minutes; a
press on another message has another token. So the message is remembered, in memory alone: after a restart, or
later, the next press gets a new one.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Set
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import discord
from discord import ui

from bot.interactions.api_errors import TRANSIENT, is_gone, with_retries
from bot.interactions.notices import follow_up
from bot.interactions.outgoing import refuse_blocked_words
from bot.interactions.reply import NOBODY, silence
from bot.interactions.responses import Interaction

LIFETIME = 840.0  # seconds that a token can be used, with some to spare

Key = tuple[str, int]  # a run and a person


@dataclass(frozen=True, slots=True)
class _Sent:
    message: discord.WebhookMessage
    at: float


class PrivateCards:
    """The messages that can still be edited, the oldest first. ``clock`` is monotonic, in seconds."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sent: OrderedDict[Key, _Sent] = OrderedDict()

    def __len__(self) -> int:
        return len(self._sent)

    async def show(
        self,
        interaction: Interaction,
        key: Key,
        view: ui.LayoutView,
        *,
        parts: Set[str] = frozenset(),
        anew: bool = False,
    ) -> None:
        """Show ``view`` in the person's message of ``key``, or in a new one if there is none.

        ``interaction`` has been deferred. With ``anew`` a new message takes the old one's place: the person
        may have dismissed it, and Discord doesn't say so. Withheld.
        """
        refuse_blocked_words(interaction, view, parts=parts)
        old = self._find(key)
        if old is not None and not anew and await _edit(old, view):
            return
        message = await follow_up(interaction, view)
        self._sent[key] = _Sent(message, self._clock())
        self._sent.move_to_end(key)
        if old is not None:
            with suppress(*TRANSIENT):  # at worst there are two
                await old.delete()

    def drop(self, run_id: str) -> None:
        """Forget every person's messages of a run."""
        for key in [key for key in self._sent if key[0] == run_id]:
            del self._sent[key]

    def _find(self, key: Key) -> discord.WebhookMessage | None:
        """The message of ``key`` if it can still be edited; those too old are forgotten."""
        while self._sent and next(iter(self._sent.values())).at <= self._clock() - LIFETIME:
            self._sent.popitem(last=False)
        sent = self._sent.get(key)
        return None if sent is None else sent.message


async def _edit(message: discord.WebhookMessage, view: ui.LayoutView) -> bool:
    """Edit a message; false if Discord no longer has it."""
    silence(view)
    try:
        await with_retries(partial(message.edit, view=view, allowed_mentions=NOBODY))
    except discord.HTTPException as error:
        if is_gone(error):
            return False
        raise
    return True
