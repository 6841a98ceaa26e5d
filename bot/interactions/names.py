"""What people are called on a server, as far as Discord says without a privileged intent."""

from __future__ import annotations

import asyncio
import logging
import unicodedata
from collections.abc import Collection

import discord

from bot.interactions.api_errors import TRANSIENT
from bot.interactions.reply import Interaction
from bot.logs import named

log = logging.getLogger(__name__)

# Seconds that a reply waits for the names on it.
PATIENCE = 2.0
# More combining marks on one letter than any language needs would cover the lines around it.
_MARKS = 3
_JOINERS = "\u200c\u200d"  # of Persian and of emoji


async def display_names(interaction: Interaction, people: Collection[int]) -> dict[int, str]:
    """Return the names of ``people`` where the interaction took place, as a picture can show them.

    Discord tells a bot the members it asks for by their ids. Nothing of this is kept. People whose name is
    unknown, or shows nothing, are left out.
    """
    names = {interaction.user.id: interaction.user.display_name}
    unknown = [person for person in people if person not in names]
    # Not the interaction's: people may have brought the bot along to a server that has not added it.
    guild = interaction.client.get_guild(interaction.guild_id)
    if guild is not None and unknown:
        names |= {member.id: member.display_name for member in await _members(guild, unknown)}
    readable = {person: one_line(names[person]) for person in people if person in names}
    return {person: name for person, name in readable.items() if name}


async def _members(guild: discord.Guild, people: list[int]) -> list[discord.Member]:
    try:
        async with asyncio.timeout(PATIENCE):
            return await guild.query_members(user_ids=people, limit=len(people), cache=False)
    except (*TRANSIENT, discord.ClientException) as error:
        log.info("the names on a card are unknown: %s", named(error))
        return []


def one_line(name: str) -> str:
    """``name`` without what a line of letters can't show: control characters, and heaps of marks."""
    kept: list[str] = []
    marks = 0
    for character in name:
        category = unicodedata.category(character)
        if category[0] == "C" and character not in _JOINERS and not character.isspace():
            continue
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if marks <= _MARKS:
            kept.append(character)
    return " ".join("".join(kept).split()).strip(_JOINERS + " ")
