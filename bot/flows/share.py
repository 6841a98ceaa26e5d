"""Who sees a card: a private one is posted for everyone, or a public one is taken away."""

from __future__ import annotations

import io
from functools import partial
from typing import cast

import discord
from discord import ui

from bot import cards
from bot.errors import NotYours
from bot.interactions.api_errors import with_retries
from bot.interactions.reply import Interaction, Reply
from bot.interactions.responses import defer


async def share(interaction: Interaction) -> None:
    """Post the private card that was pressed for everyone, with the name of the person who shared it."""
    message = interaction.message
    if message is None:
        return
    # Under the same rules its text was screened when it was shown; else each word on it is checked.
    is_screened = message.created_at >= interaction.client.began
    reply = Reply(interaction)
    await reply.wait()
    view = ui.LayoutView.from_message(message, timeout=None)
    copies = {url: await _copy(interaction, url) for url in cards.media(view)}
    cards.share(view, by=interaction.user.id, copies=copies)
    await reply.finish(view, files=list(copies.values()), harmless=is_screened)


async def delete(interaction: Interaction, *, owner: int) -> None:
    """Delete the card that was pressed; NotYours unless by its ``owner``, or by a moderator there."""
    if not (interaction.user.id == owner or interaction.permissions.manage_messages):
        raise NotYours("delete", moderators=True)
    await defer(interaction)
    await with_retries(interaction.delete_original_response)


async def _copy(interaction: Interaction, url: str) -> discord.File:
    content = cast("bytes", await with_retries(partial(interaction.client.http.get_from_cdn, url)))
    return discord.File(io.BytesIO(content), cards.file_name(url))
