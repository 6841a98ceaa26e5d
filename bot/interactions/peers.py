"""Which of several processes answers an interaction that all of them get.

Two processes have the same shards while one takes the other's place, so that no event is missed. The first
to claim an interaction answers it; who can serve it better gets a head start.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any

from discord import InteractionType

from bot.errors import ModelLoading
from bot.interactions.responses import Interaction

# Seconds that a process waits which can do less than another: it has no model yet, or nothing to stop; or it
# ends soon, and even one without a model has more time to answer.
WITHOUT, LEAVING = 0.5, 0.9
# Seconds to ask the database, and the age by which an interaction needs its acknowledgement all the same.
PATIENCE, LATEST = 1.0, 2.5
_STOP = re.compile(r"[a-z]+:stop:([0-9a-f]{16})")


async def is_ours(interaction: Interaction) -> bool:
    """Whether this process is the one to answer. Where the database does not say, it is.

    Suggestions are not claimed: they change nothing, every key asks for some, and Discord takes one answer.
    """
    claims = interaction.client.services.claims
    if not claims.are_needed or interaction.type is InteractionType.autocomplete:
        return True
    if head_start := _head_start(interaction):
        await asyncio.sleep(_at_most(head_start, interaction))
    patience = _at_most(PATIENCE, interaction)
    return bool(await claims.take(f"interaction {interaction.id}", patience=patience))


def _at_most(seconds: float, interaction: Interaction) -> float:
    """So many seconds, or fewer if the interaction is old."""
    left: float = LATEST - interaction.client.tracker.age(interaction.id)
    return max(0.05, min(seconds, left / 2))


def _head_start(interaction: Interaction) -> float:
    """Seconds to leave the interaction to another process that can do more for the person."""
    client = interaction.client
    data: Mapping[str, Any] = interaction.data or {}
    generations = client.services.generations
    if stop := _STOP.match(str(data.get("custom_id", ""))):
        return 0.0 if generations.is_in_progress(stop[1]) else WITHOUT
    if client.tracker.is_leaving:
        return LEAVING
    try:
        _ = generations.model
    except ModelLoading:
        return WITHOUT
    return 0.0
