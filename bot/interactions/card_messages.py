"""What a message on which somebody uses a command is: whose card, of which run."""

from __future__ import annotations

import re
from collections.abc import Iterator

import discord
from discord import ui

from bot.custom_ids import DELETE_TEMPLATE, RUN_ID
from bot.interactions.message_content import displays
from bot.interactions.reply import Interaction, is_private
from bot.text.escaping import without_isolates
from bot.text.markdown import unformatted

# What can still be stopped is no run yet, and what is in a round of /guess is a secret.
_ANY_RUN = re.compile(rf"(?!guess:|[a-z]+:stop:)[a-z]+:[a-z-]+:{RUN_ID}(?::\d+)*")


def head_of(message: discord.Message) -> str:
    """What the first text display of one of the bot's cards says: below it are numbers and small print."""
    return unformatted(without_isolates(next(displays(message), "")))


def run_of(message: discord.Message) -> str | None:
    """The id of the run whose card the message is, by its buttons."""
    for item in _items(message):
        if isinstance(item, ui.Button) and (match := _ANY_RUN.fullmatch(item.custom_id or "")):
            return match["run_id"]
    return None


def is_theirs(interaction: Interaction) -> bool:
    """Whether whoever presses has the card for themselves: they alone see it, or it ends with their name.

    Their press changes the card; somebody else's must not, and gets a card of its
    own. The card tells, not its run, so that nothing need be read to know it.
    """
    message = interaction.message
    if message is None:
        return False
    return is_private(interaction) or _owner_of(message) == interaction.user.id


def _owner_of(message: discord.Message) -> int | None:
    """Who asked for a card that all see, or shared it, by its button *Delete*."""
    for item in _items(message):
        if isinstance(item, ui.Button) and (match := re.fullmatch(DELETE_TEMPLATE, item.custom_id or "")):
            return int(match["owner"])
    return None


def _items(message: discord.Message) -> Iterator[ui.Item[ui.LayoutView]]:
    return ui.LayoutView.from_message(message, timeout=None).walk_children()
