"""Admission: interactions that come too late or break a community's rules never reach a command."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import discord

from bot.errors import AgeRestricted, AgeUnknown, ShuttingDown
from bot.interactions.api_errors import TRANSIENT
from bot.interactions.error_handler import answer_with_error
from bot.interactions.peers import is_ours
from bot.interactions.responses import Interaction
from bot.moderation.rules import Rules


async def is_admitted(interaction: Interaction) -> bool:
    """Whether to answer the interaction; a refusal is explained to the person here."""
    if not interaction.client.tracker.accept(interaction):
        return False
    if not await is_ours(interaction):
        interaction.client.tracker.note_elsewhere(interaction.id)
        return False
    try:
        if interaction.client.tracker.is_ending:
            raise ShuttingDown
        _apply_rules(interaction, interaction.client.services.rules)
    except Exception as error:
        if interaction.type is discord.InteractionType.autocomplete:
            with suppress(*TRANSIENT):  # suggestions have no room for a sentence
                await interaction.response.autocomplete([])
        else:
            await answer_with_error(interaction, error)
        return False
    return True


def fields(part: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield each command option and modal field with a text in an interaction's data, however deep."""
    if isinstance(part.get("value"), str):
        yield part
    # A label holds one component, everything else a list.
    label = [part["component"]] if "component" in part else []
    for inner in (*part.get("options", ()), *part.get("components", ()), *label):
        yield from fields(inner)


def _apply_rules(interaction: Interaction, rules: Rules) -> None:
    """Raise what the community's rules say against the interaction."""
    if rules.age_restricted:
        _require_age(interaction)
    if rules.blocked:
        for field in fields(interaction.data or {}):
            rules.check(field["value"])


def _require_age(interaction: Interaction) -> None:
    """Raise AgeRestricted or AgeUnknown outside direct messages and age-restricted channels.

    In direct messages Discord itself asks for the age. A thread is as restricted as its channel, but
    Discord does not always name that: on a server to which only its people brought the bot, no one knows.
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
