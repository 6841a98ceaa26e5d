"""Which run a card shows, and whose card it is: read from the message itself."""

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

# A text that can still be stopped is no run yet, a comparison is no single one, and what a round of /guess
# contains is a secret.
_ANY_RUN = re.compile(rf"(?!(?:numbers:)?(?:guess|compare):|[a-z]+:stop:)[a-z]+:[a-z-]+:{RUN_ID}(?::\d+)*")


def heading_of(message: discord.Message) -> str:
    """Return the text of a card's first display. Numbers and small print are below it."""
    return unformatted(without_isolates(next(displays(message), "")))


def run_id_of(message: discord.Message) -> str | None:
    """Return the id of the run that the card shows, by its buttons."""
    for item in _items(message):
        if isinstance(item, ui.Button) and (match := _ANY_RUN.fullmatch(item.custom_id or "")):
            return match["run_id"]
    return None


def owns_card(interaction: Interaction) -> bool:
    """Whether the card belongs to the person who pressed: only they see it, or *Delete* on it is theirs.

    Their press changes the card; another person's gets a card of its own. The card itself says so, and
    the store need not be read.
    """
    message = interaction.message
    if message is None:
        return False
    return is_private(interaction) or _owner_of(message) == interaction.user.id


def _owner_of(message: discord.Message) -> int | None:
    """Return who asked for a public card, or shared it, by its *Delete* button."""
    for item in _items(message):
        if isinstance(item, ui.Button) and (match := re.fullmatch(DELETE_TEMPLATE, item.custom_id or "")):
            return int(match["owner"])
    return None


def _items(message: discord.Message) -> Iterator[ui.Item[ui.LayoutView]]:
    return ui.LayoutView.from_message(message, timeout=None).walk_children()
