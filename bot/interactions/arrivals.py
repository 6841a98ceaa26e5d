"""Where every interaction comes in: a command, a press, a form, once and in time.

Whoever answers interactions asks :meth:`Arrivals.accept` first, in the task that answers.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from datetime import timedelta

import discord

from bot.interactions.delivery import Interaction

log = logging.getLogger(__name__)

# Discord forgets an unanswered interaction after 3 seconds.
MAX_AGE = timedelta(seconds=2.5)
# What Discord may send again after a reconnect is dropped by its age before so many came after it.
_REMEMBERED = 1_000


def accept(interaction: Interaction) -> bool:
    """As :meth:`Arrivals.accept`, of the bot that the interaction is for."""
    arrivals: Arrivals = interaction.client.arrivals
    return arrivals.accept(interaction)


class Arrivals:
    """The interactions that are being answered at the moment."""

    def __init__(self) -> None:
        self._answering: set[asyncio.Task[object]] = set()
        self._latest: deque[int] = deque(maxlen=_REMEMBERED)

    def accept(self, interaction: Interaction) -> bool:
        """Whether the interaction is to be answered; the current task is then the one that does so.

        Not if it came too late to be acknowledged, nor if it came before.
        """
        age = discord.utils.utcnow() - interaction.created_at
        if age > MAX_AGE:
            log.warning("dropped an interaction that arrived %.1f s late", age.total_seconds())
            return False
        if interaction.id in self._latest:
            log.warning("dropped an interaction that came a second time")
            return False
        self._latest.append(interaction.id)
        if (task := asyncio.current_task()) is not None:
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)
        return True

    async def answered(self, patience: float) -> None:
        """Return once nothing is being answered, or after ``patience`` seconds."""
        if self._answering:
            await asyncio.wait(self._answering, timeout=patience)
