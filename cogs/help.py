"""/help: what the bot can do, with an example of each command."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from discord import app_commands, ui
from discord.ext import commands

from bot.cards.help import Page
from bot.custom_ids import HELP_TEMPLATE
from bot.features.examples import Example, example_of
from bot.flows.help import show_help
from bot.interactions.buttons import PersistentItem
from bot.interactions.reply import Interaction, Reply
from bot.services import Services

if TYPE_CHECKING:
    from bot.client import TokenwiseBot


class Help(commands.Cog):
    def __init__(self, services: Services) -> None:
        self.services = services

    @app_commands.command(description="See what I can do, and try an example of each command")
    async def help(self, interaction: Interaction) -> None:
        await show_help(self.services, Page.COMMANDS, Reply(interaction, private=True))


class HelpButton(PersistentItem[ui.Button[Any]], template=HELP_TEMPLATE):
    """Turns to another page, or runs the example of a command."""

    async def press(self, interaction: Interaction, services: Services) -> None:
        if self.match["action"] == "run":
            await _run(interaction, example_of(self.match["command"]))
        else:
            await show_help(services, Page(self.match["action"]), Reply(interaction, replace=True))


async def _run(interaction: Interaction, example: Example) -> None:
    """Run a command as if the person had typed it, in private where it can be."""
    command = interaction.client.tree.get_command(example.command)
    if not isinstance(command, app_commands.Command):
        raise LookupError(example.command)
    options: dict[str, Any] = dict(example.options)
    if command.get_parameter("private") is not None:
        options["private"] = True
    callback: Callable[..., Awaitable[None]] = command.callback
    await callback(command.binding, interaction, **options)


async def setup(bot: TokenwiseBot) -> None:
    bot.add_dynamic_items(HelpButton)
    await bot.add_cog(Help(bot.services))
