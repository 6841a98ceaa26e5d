"""Who is let in: what a community's rules forbid is refused before any command sees it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import discord

from bot.errors import AgeRestricted, TokenwiseError
from bot.interactions.arrivals import accept
from bot.interactions.reporting import report
from bot.interactions.requests import TRANSIENT, Interaction
from bot.rules import Rules


async def admitted(interaction: Interaction) -> bool:
    """Whether the interaction is to be answered; who is refused by a rule is told so."""
    if not accept(interaction):
        return False
    try:
        _check(interaction, interaction.client.services.rules)
    except TokenwiseError as error:
        if interaction.type is discord.InteractionType.autocomplete:
            with suppress(*TRANSIENT):  # it has no room for a sentence, and nobody waits for it
                await interaction.response.autocomplete([])
        else:
            await report(interaction, error)
        return False
    return True


def _check(interaction: Interaction, rules: Rules) -> None:
    if rules.age_restricted and not _is_for_adults(interaction):
        raise AgeRestricted
    if rules.blocked:
        for text in _typed(interaction.data or {}):
            rules.check(text)


def _is_for_adults(interaction: Interaction) -> bool:
    """In direct messages Discord itself asks for the age. A channel that is not known is for all."""
    if interaction.guild_id is None:
        return True
    channel = interaction.channel
    return (
        channel is not None
        and not isinstance(channel, (discord.DMChannel, discord.GroupChannel))
        and channel.is_nsfw()
    )


def _typed(part: Mapping[str, Any]) -> Iterator[str]:
    """Every text in a command's options or a form's fields, however deep."""
    if isinstance(value := part.get("value"), str):
        yield value
    inner = [*part.get("options", ()), *part.get("components", ())]
    for each in [*inner, part["component"]] if "component" in part else inner:
        yield from _typed(each)
