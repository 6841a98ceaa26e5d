"""*Receipt*: a file by which any machine can check a text."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from discord import ui

from bot.custom_ids import template
from bot.flows.receipt import show_receipt
from bot.interactions.buttons import RunItem
from bot.interactions.reply import Interaction
from bot.services import Services

if TYPE_CHECKING:
    from bot.client import TokenwiseBot


class ReceiptButton(RunItem[ui.Button[Any]], template=template("run", "receipt")):
    async def press(self, interaction: Interaction, services: Services) -> None:
        await self.beside(interaction, partial(show_receipt, services, self.run_id), private=True)


async def setup(bot: TokenwiseBot) -> None:
    bot.add_dynamic_items(ReceiptButton)
