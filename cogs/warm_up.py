"""*Stop* while the model loads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from discord import ui

from bot.custom_ids import template
from bot.flows.warm_up import stop
from bot.interactions.buttons import RunItem
from bot.interactions.reply import Interaction
from bot.services import Services

if TYPE_CHECKING:
    from bot.client import TokenwiseBot


class StopWaitingButton(RunItem[ui.Button[Any]], template=template("warmup", "stop")):
    async def press(self, interaction: Interaction, services: Services) -> None:
        await stop(services, self.run_id, interaction)


async def setup(bot: TokenwiseBot) -> None:
    bot.add_dynamic_items(StopWaitingButton)
