"""Share and Delete: who sees a card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from discord import ui

from bot.custom_ids import DELETE_TEMPLATE, SHARE
from bot.flows.share import delete, share
from bot.interactions.buttons import PersistentItem
from bot.interactions.reply import Interaction
from bot.services import Services

if TYPE_CHECKING:
    from bot.client import TokenwiseBot


class ShareButton(PersistentItem[ui.Button[Any]], template=SHARE):
    async def press(self, interaction: Interaction, _services: Services) -> None:
        await share(interaction)


class DeleteButton(PersistentItem[ui.Button[Any]], template=DELETE_TEMPLATE):
    async def press(self, interaction: Interaction, _services: Services) -> None:
        await delete(interaction, owner=int(self.match["owner"]))


async def setup(bot: TokenwiseBot) -> None:
    bot.add_dynamic_items(ShareButton, DeleteButton)
