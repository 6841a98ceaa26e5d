"""Sending cards. Every message of the bot leaves through here, and pings nobody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import discord
from discord import ui

# Without it Discord parses mentions with its defaults on every single edit.
NOBODY = discord.AllowedMentions.none()

Interaction = discord.Interaction[Any]


class Screen:
    """The one message that answers an interaction: shown once, then edited.

    ``replace`` shows in place of the message whose button was pressed.
    """

    def __init__(self, interaction: Interaction, *, private: bool = False, replace: bool = False) -> None:
        self._interaction = interaction
        self._private = private
        self._replace = replace

    async def wait(self) -> None:
        """Acknowledge now, show later."""
        if self._replace:
            await self._interaction.response.defer()
        else:
            await self._interaction.response.defer(thinking=True, ephemeral=self._private)

    async def show(self, view: ui.LayoutView, *, files: Sequence[discord.File] = ()) -> None:
        response = self._interaction.response
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


async def tell_privately(interaction: Interaction, view: ui.LayoutView) -> None:
    """A message to the person who asked alone, whatever has been answered so far."""
    silence(view)
    response = interaction.response
    if not response.is_done():
        await response.send_message(view=view, ephemeral=True, allowed_mentions=NOBODY)
        return
    if response.type is not discord.InteractionResponseType.deferred_channel_message:
        await interaction.followup.send(view=view, ephemeral=True, allowed_mentions=NOBODY)
        return
    # What follows "thinking…" takes its place and its visibility, so it must be
    # made a message first, and can be taken away afterwards.
    await Screen(interaction).show(_placeholder())
    await interaction.followup.send(view=view, ephemeral=True, allowed_mentions=NOBODY)
    await interaction.delete_original_response()


def _placeholder() -> ui.LayoutView:
    view = ui.LayoutView(timeout=None)
    view.add_item(ui.TextDisplay("…"))
    return view


def silence(view: ui.LayoutView) -> None:
    """Keep discord.py from holding the view: its buttons are found by ``custom_id``."""
    view.stop()
