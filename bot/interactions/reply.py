"""Sending cards. Every message of the bot leaves through here, and pings nobody."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import AsyncIterator, Mapping, Sequence, Set
from contextlib import asynccontextmanager, suppress
from typing import cast

import discord
from discord import InteractionResponseType as Kind
from discord import ui

from bot.interactions.outgoing import check
from bot.interactions.responses import (
    TRANSIENT,
    Interaction,
    acknowledge,
    defer,
    is_acknowledged,
    is_gone,
    repeated,
    think,
)
from bot.logs import named
from bot.queue.limits import Asker

__all__ = [
    "NOBODY",
    "PRIVATE",
    "SHOWN",
    "Interaction",
    "Reply",
    "is_private",
    "silence",
    "spend",
]

log = logging.getLogger(__name__)

# Without it Discord parses mentions with its defaults on every single edit.
NOBODY = discord.AllowedMentions.none()

# In an interaction's extras: its answer is a card, no longer "thinking…"; and who asked sees it alone.
SHOWN, PRIVATE = "shown", "private"


def is_private(interaction: Interaction) -> bool:
    """Whether the card that was pressed is seen by one person alone.

    The card tells, not its run: a private card may have been shared.
    """
    return interaction.message is not None and interaction.message.flags.ephemeral


class Reply:
    """The one message that answers an interaction: shown once, then edited.

    ``replace`` shows in place of the message whose button was pressed.
    """

    def __init__(self, interaction: Interaction, *, private: bool = False, replace: bool = False) -> None:
        self._interaction = interaction
        self._private = private
        self._replace = replace
        self._is_held = False

    async def acknowledge(self) -> None:
        """Let Discord know, if it does not yet, that an answer will come: before anything that may take long.

        What is to be replaced stays as it is, so that an error leaves no trace on it.
        """
        if is_acknowledged(self._interaction):
            return
        if self._replace:
            await defer(self._interaction)
        else:
            await think(self._interaction, private=self._private)
            self._interaction.extras[PRIVATE] = self._private

    @property
    def private(self) -> bool:
        """Whether only the person who asks sees it."""
        return self._private

    @property
    def asker(self) -> Asker:
        """Who asks now: a second request for the interaction has the time that the first one left."""
        interaction = self._interaction
        age = interaction.client.tracker.age(interaction.id)
        return Asker(interaction.user.id, interaction.guild_id, age)

    @property
    def channel(self) -> int | None:
        """The channel of a server whose people see what is asked here, unless it is private.

        None in direct messages; and where the bot is not the server's but a person's
        own, for Discord may show its answers to that person alone.
        """
        interaction = self._interaction
        is_persons_own = interaction.is_user_integration() and not interaction.is_guild_integration()
        return None if interaction.guild_id is None or is_persons_own else interaction.channel_id

    async def wait(self) -> None:
        """Acknowledge, if that is still to be done, and show later.

        What is to be replaced can meanwhile not be pressed.
        """
        if not self._replace:
            await self.acknowledge()
        elif not self._is_held:
            self._is_held = True
            await self.show(self._replaced(pressable=False), harmless=True)  # it is there already

    async def restore(self) -> None:
        """Show again what was to be replaced, if it waits for that."""
        if self._is_held:
            self._is_held = False
            await self.show(self._replaced(pressable=True), harmless=True)

    @asynccontextmanager
    async def restored(self) -> AsyncIterator[None]:
        """Whatever goes wrong within, what was to be replaced can be pressed again."""
        try:
            yield
        except (Exception, asyncio.CancelledError):
            with suppress(*TRANSIENT):  # what went wrong first is what is told
                await self.restore()
            raise

    async def update(self, view: ui.LayoutView) -> None:
        """Show what will soon be replaced; that Discord fails at it once does no harm.

        Raises if there is nobody to show it to any more.
        """
        if not is_acknowledged(self._interaction):
            await self.show(view)
            return
        check(self._interaction, view)
        try:
            await self._edit(view, ())
        except TRANSIENT as error:
            if is_gone(error):
                raise
            log.warning("an edit failed and is left out: %s", named(error))

    async def finish(
        self,
        view: ui.LayoutView,
        *,
        files: Sequence[discord.File] = (),
        harmless: bool = False,
        parts: Set[str] = frozenset(),
    ) -> None:
        """Show what stays; a second time if Discord fails at the first."""
        try:
            await self.show(view, files=files, harmless=harmless, parts=parts)
        except TRANSIENT as error:
            if is_gone(error):
                raise
            await self.show(view, files=files, harmless=harmless, parts=parts)

    async def show(
        self,
        view: ui.LayoutView,
        *,
        files: Sequence[discord.File] = (),
        harmless: bool = False,
        parts: Set[str] = frozenset(),
    ) -> None:
        """Show it now; Withheld if it has a word in it that the community has blocked.

        Not if it is ``harmless``: the bot's own words, and what was let in. Nor for
        words that are only ``parts`` of longer ones, since tokens are shown.
        """
        if not harmless:
            check(self._interaction, view, files, parts=parts)
        if is_acknowledged(self._interaction) or not await self._show_first(view, files):
            await repeated(lambda: self._edit(view, files))

    async def _show_first(self, view: ui.LayoutView, files: Sequence[discord.File]) -> bool:
        """Whether this is what acknowledges the interaction."""
        response = self._interaction.response
        silence(view)

        async def replace() -> None:
            await response.edit_message(view=view, attachments=_anew(files), allowed_mentions=NOBODY)

        async def send() -> None:
            await response.send_message(
                view=view, files=_anew(files), ephemeral=self._private, allowed_mentions=NOBODY
            )

        kind, first = (Kind.message_update, replace) if self._replace else (Kind.channel_message, send)
        is_shown = await acknowledge(self._interaction, kind, first)
        if is_shown:
            self._interaction.extras[SHOWN] = True
        return is_shown

    async def _edit(self, view: ui.LayoutView, files: Sequence[discord.File]) -> None:
        silence(view)
        await self._interaction.edit_original_response(
            view=view, attachments=_anew(files), allowed_mentions=NOBODY
        )
        self._interaction.extras[SHOWN] = True

    def _replaced(self, *, pressable: bool) -> ui.LayoutView:
        message = self._interaction.message
        view = ui.LayoutView.from_message(message, timeout=None) if message else ui.LayoutView()
        if not pressable:
            for item in view.walk_children():
                if isinstance(item, (ui.Button, ui.Select)):
                    item.disabled = True
        return view


async def spend(interaction: Interaction, *, label: str) -> None:
    """Let the button that was pressed be pressed no more, and say ``label``.

    It has done what it can do once, and is answered by another message; that
    Discord fails at this edit, or does not allow it, does no harm.
    """
    message, data = interaction.message, cast("Mapping[str, object]", interaction.data or {})
    if message is None:
        return
    view = ui.LayoutView.from_message(message, timeout=None)
    for item in view.walk_children():
        if isinstance(item, ui.Button) and item.custom_id == data.get("custom_id"):
            item.disabled, item.label, item.style = True, label, discord.ButtonStyle.secondary
    silence(view)
    try:
        await message.edit(view=view, allowed_mentions=NOBODY)
    except TRANSIENT as error:
        log.info("a button that was used stays as it was: %s", named(error))


def _anew(files: Sequence[discord.File]) -> list[discord.File]:
    """The files, to be sent once more: discord.py closes what it has sent."""
    for file in files:
        file.reset()
    return [discord.File(io.BytesIO(file.fp.read()), file.filename) for file in files]


def silence(view: ui.LayoutView) -> None:
    """Keep discord.py from holding the view: its buttons are found by ``custom_id``."""
    view.stop()
