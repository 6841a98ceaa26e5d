"""Share, Delete and /forget: who sees a card, and for how long it is kept."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from discord import app_commands, ui
from discord.ext import commands

from bot import cards
from bot.custom_ids import DELETE_TEMPLATE, SHARE
from bot.errors import NotYours
from bot.interactions.api_errors import with_retries
from bot.interactions.buttons import PersistentItem
from bot.interactions.reply import Interaction, Reply
from bot.interactions.responses import defer
from bot.interactions.sharing import shared
from bot.services import Services

if TYPE_CHECKING:
    from bot.client import TokenwiseBot


class ShareButton(PersistentItem[ui.Button[Any]], template=SHARE):
    """Posts a private card for everybody, with the name of who shared it."""

    async def press(self, interaction: Interaction, _services: Services) -> None:
        message = interaction.message
        if message is None:
            return
        # Made under the same rules, it was judged with its text at hand; else all its words are looked at.
        is_judged = message.created_at >= interaction.client.began
        reply = Reply(interaction)
        await reply.wait()

        async def read(url: str) -> bytes:
            data: bytes = await with_retries(partial(interaction.client.http.get_from_cdn, url))
            return data

        view, files = await shared(message, by=interaction.user.id, read=read)
        await reply.finish(view, files=files, harmless=is_judged)


class DeleteButton(PersistentItem[ui.Button[Any]], template=DELETE_TEMPLATE):
    """Takes a card away; for who asked for it, and for who may manage messages there."""

    async def press(self, interaction: Interaction, _services: Services) -> None:
        is_owner = interaction.user.id == int(self.match["owner"])
        if not (is_owner or interaction.permissions.manage_messages):
            raise NotYours("delete", moderators=True)
        await defer(interaction)
        await with_retries(interaction.delete_original_response)


class Share(commands.Cog):
    def __init__(self, services: Services) -> None:
        self.services = services

    @app_commands.command(description="Delete everything the bot has stored about you")
    async def forget(self, interaction: Interaction) -> None:
        reply = Reply(interaction, private=True)
        await reply.wait()
        forgotten = await self.services.runs.forget(interaction.user.id)
        self.services.generations.forget()
        await reply.finish(cards.forgotten(forgotten.runs, forgotten.votes, pending=forgotten.pending))


async def setup(bot: TokenwiseBot) -> None:
    bot.add_dynamic_items(ShareButton, DeleteButton)
    await bot.add_cog(Share(bot.services))
