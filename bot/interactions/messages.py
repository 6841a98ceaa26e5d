"""What a message on which somebody uses a command says and is."""

from __future__ import annotations

import re
from collections.abc import Iterator

import discord
from discord import ui

from bot.custom_ids import RUN_ID
from bot.plain import unformatted
from bot.text import without_isolates

# What can still be stopped is no run yet, and what is in a round of /guess is a secret.
_ANY_RUN = re.compile(rf"(?!guess:|[a-z]+:stop:)[a-z]+:[a-z-]+:{RUN_ID}(?::\d+)*")


def said(message: discord.Message) -> str:
    """The message's text; a card's is that of its text displays, without the formatting."""
    if message.content:
        return message.content
    return unformatted("\n".join(_texts(message)))


def head_of(message: discord.Message) -> str:
    """What the first text display of one of the bot's cards says: below it are numbers and small print."""
    return unformatted(without_isolates(next(_texts(message), "")))


def run_of(message: discord.Message) -> str | None:
    """The id of the run whose card the message is, by its buttons."""
    for item in _items(message):
        if isinstance(item, ui.Button) and (match := _ANY_RUN.fullmatch(item.custom_id or "")):
            return match["run_id"]
    return None


def _texts(message: discord.Message) -> Iterator[str]:
    return (item.content for item in _items(message) if isinstance(item, ui.TextDisplay))


def _items(message: discord.Message) -> Iterator[ui.Item[ui.LayoutView]]:
    return ui.LayoutView.from_message(message, timeout=None).walk_children()
