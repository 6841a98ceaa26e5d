"""Who is let in: what a community's rules forbid is refused before any command sees it.

So is what comes when there is no time left for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import discord

from bot.errors import AgeRestricted, AgeUnknown, ShuttingDown
from bot.interactions.error_handler import report
from bot.interactions.lifecycle import accept
from bot.interactions.responses import TRANSIENT, Interaction
from bot.moderation.rules import Rules


async def admitted(interaction: Interaction) -> bool:
    """Whether the interaction is to be answered; who is refused is told why."""
    if not accept(interaction):
        return False
    try:
        if interaction.client.tracker.is_ending:
            raise ShuttingDown
        _check(interaction, interaction.client.services.rules)
    except Exception as error:
        if interaction.type is discord.InteractionType.autocomplete:
            with suppress(*TRANSIENT):  # it has no room for a sentence, and nobody waits for it
                await interaction.response.autocomplete([])
        else:
            await report(interaction, error)
        return False
    return True


def _check(interaction: Interaction, rules: Rules) -> None:
    if rules.age_restricted:
        _check_age(interaction)
    if rules.blocked:
        for text in _typed(interaction.data or {}):
            rules.check(text)


def _check_age(interaction: Interaction) -> None:
    """In direct messages Discord itself asks for the age. A channel that is not known is for all.

    A thread is as restricted as its channel, which Discord does not say of it. On a server that
    has not added the bot, for people who have, that cannot be known.
    """
    if interaction.guild_id is None:
        return
    channel = interaction.channel
    if isinstance(channel, discord.Thread) and channel.parent is None:
        raise AgeUnknown
    if channel is None or isinstance(channel, (discord.DMChannel, discord.GroupChannel)):
        raise AgeRestricted
    if not channel.is_nsfw():
        raise AgeRestricted


def _typed(part: Mapping[str, Any]) -> Iterator[str]:
    """Every text in a command's options or a form's fields, however deep."""
    if isinstance(value := part.get("value"), str):
        yield value
    inner = [*part.get("options", ()), *part.get("components", ())]
    for each in [*inner, part["component"]] if "component" in part else inner:
        yield from _typed(each)
