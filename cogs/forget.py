"""/forget: delete what the bot has stored of a person, once they have confirmed it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from discord import app_commands, ui
from discord.ext import commands

from bot.custom_ids import FORGET_TEMPLATE
from bot.flows.forget import ask, cancel, confirm
from bot.interactions.buttons import PersistentItem
from bot.interactions.reply import Interaction
from bot.services import Services

if TYPE_CHECKING:
    from bot.client import TokenwiseBot


class Forget(commands.Cog):
    def __init__(self, services: Services) -> None:
        self.services = services

    @app_commands.command(description="Delete everything the bot has stored about you")
    async def forget(self, interaction: Interaction) -> None:
        await ask(self.services, interaction)


class ForgetButton(PersistentItem[ui.Button[Any]], template=FORGET_TEMPLATE):
    """Decides whether it goes; the button says how much that was when it was shown."""

    async def press(self, interaction: Interaction, services: Services) -> None:
        owner = int(self.match["owner"])
        match self.match["action"], self.match["numbers"].split(":"):
            case "delete", ["", texts, votes, rounds]:
                asked = int(texts), int(votes), int(rounds)
                await confirm(services, interaction, owner=owner, asked=asked)
            case _:
                await cancel(interaction, owner=owner)


async def setup(bot: TokenwiseBot) -> None:
    bot.add_dynamic_items(ForgetButton)
    await bot.add_cog(Forget(bot.services))
