"""Sending cards. Every message of the bot leaves through here, and pings nobody."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import aiohttp
import discord
from discord import ui

from bot.admission import Asker
from bot.interactions.withholding import check
from bot.logs import named

log = logging.getLogger(__name__)

# Without it Discord parses mentions with its defaults on every single edit.
NOBODY = discord.AllowedMentions.none()

Interaction = discord.Interaction[Any]

# In an interaction's extras: its answer is a card, no longer "thinking…"; and who asked sees it alone.
_SHOWN, _PRIVATE = "shown", "private"

# What a request to Discord raises when it, or the network, fails.
TRANSIENT = (discord.HTTPException, aiohttp.ClientError, OSError, TimeoutError)
# Unknown channel, server, message, webhook (the message's token is over), interaction;
# no access to the channel any more; invalid webhook token: nobody is there to be answered.
# A permission that is missing (50013) may be missing for this kind of message alone.
_GONE = frozenset({10003, 10004, 10008, 10015, 10062, 50001, 50027})


def is_private(interaction: Interaction) -> bool:
    """Whether the card that was pressed is seen by one person alone.

    The card tells, not its run: a private card may have been shared.
    """
    return interaction.message is not None and interaction.message.flags.ephemeral


class Screen:
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
        response = self._interaction.response
        if response.is_done():
            return
        if self._replace:
            await response.defer()
        else:
            await response.defer(thinking=True, ephemeral=self._private)
            self._interaction.extras[_PRIVATE] = self._private

    @property
    def asker(self) -> Asker:
        return Asker(self._interaction.user.id, self._interaction.guild_id)

    async def wait(self) -> None:
        """Acknowledge, if that is still to be done, and show later.

        What is to be replaced can meanwhile not be pressed.
        """
        if not self._replace:
            await self.acknowledge()
        elif not self._is_held:
            self._is_held = True
            await self.show(self._replaced(pressable=False))

    async def restore(self) -> None:
        """Show again what was to be replaced, if it waits for that."""
        if self._is_held:
            self._is_held = False
            await self.show(self._replaced(pressable=True))

    @asynccontextmanager
    async def restored(self) -> AsyncIterator[None]:
        """Whatever goes wrong within, what was to be replaced can be pressed again."""
        try:
            yield
        except Exception:
            with suppress(*TRANSIENT):  # what went wrong first is what is told
                await self.restore()
            raise

    async def update(self, view: ui.LayoutView) -> None:
        """Show what will soon be replaced; that Discord fails at it once does no harm.

        Raises if there is nobody to show it to any more.
        """
        if not self._interaction.response.is_done():
            await self.show(view)
            return
        try:
            await self.show(view)
        except TRANSIENT as error:
            if is_gone(error):
                raise
            log.warning("an edit failed and is left out: %s", named(error))

    async def finish(self, view: ui.LayoutView, *, files: Sequence[discord.File] = ()) -> None:
        """Show what stays; a second time if Discord fails at the first."""
        try:
            await self.show(view, files=files)
        except TRANSIENT as error:
            if is_gone(error):
                raise
            for file in files:
                file.reset()
            await self.show(view, files=files)

    async def show(self, view: ui.LayoutView, *, files: Sequence[discord.File] = ()) -> None:
        """Show it now; Withheld if it has a word in it that the community has blocked."""
        response = self._interaction.response
        check(self._interaction, view, files)
        silence(view)
        if response.is_done():
            await self._interaction.edit_original_response(
                view=view, attachments=list(files), allowed_mentions=NOBODY
            )
        elif self._replace:
            await response.edit_message(view=view, attachments=list(files), allowed_mentions=NOBODY)
        else:
            await response.send_message(
                view=view, files=list(files), ephemeral=self._private, allowed_mentions=NOBODY
            )
        self._interaction.extras[_SHOWN] = True

    def _replaced(self, *, pressable: bool) -> ui.LayoutView:
        message = self._interaction.message
        view = ui.LayoutView.from_message(message, timeout=None) if message else ui.LayoutView()
        if not pressable:
            for item in view.walk_children():
                if isinstance(item, (ui.Button, ui.Select)):
                    item.disabled = True
        return view


async def tell_privately(interaction: Interaction, view: ui.LayoutView) -> None:
    """A message to the person who asked alone, whatever has been answered so far.

    Withheld if it has a word in it that the community has blocked.
    """
    check(interaction, view)
    await tell_of_error(interaction, view)


async def tell_of_error(interaction: Interaction, view: ui.LayoutView) -> None:
    """As :func:`tell_privately`, but nothing withholds it: all that errors say is the bot's own."""
    silence(view)
    response = interaction.response
    if not response.is_done():
        await response.send_message(view=view, ephemeral=True, allowed_mentions=NOBODY)
        return
    is_thinking = response.type is discord.InteractionResponseType.deferred_channel_message
    if not is_thinking or _SHOWN in interaction.extras:
        await interaction.followup.send(view=view, ephemeral=True, allowed_mentions=NOBODY)
        return
    if interaction.extras.get(_PRIVATE):
        await Screen(interaction).show(view)
        return
    # What follows "thinking…" takes its place and its visibility, so it must be
    # made a message first, and can be taken away afterwards.
    await Screen(interaction).show(_placeholder())
    await interaction.followup.send(view=view, ephemeral=True, allowed_mentions=NOBODY)
    await interaction.delete_original_response()


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


def _placeholder() -> ui.LayoutView:
    view = ui.LayoutView(timeout=None)
    view.add_item(ui.TextDisplay("…"))
    return view


def is_gone(error: BaseException) -> bool:
    """Whether there is nobody to be answered any more."""
    return isinstance(error, discord.HTTPException) and error.code in _GONE


def silence(view: ui.LayoutView) -> None:
    """Keep discord.py from holding the view: its buttons are found by ``custom_id``."""
    view.stop()
