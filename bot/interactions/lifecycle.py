"""Where every interaction comes in: a command, a press, a form, once and in time.

Whoever answers interactions asks :meth:`InteractionTracker.accept` first, in the task that answers.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial

import discord
from discord import InteractionType

from bot import logs
from bot.interactions.answering import Answering, kind_of
from bot.interactions.reply import Interaction

log = logging.getLogger(__name__)

# Discord forgets an unanswered interaction after 3 seconds.
MAX_AGE = timedelta(seconds=2.5)
# What Discord may send again after a reconnect is dropped by its age before so many came after it.
_REMEMBERED = 1_000


def accept(interaction: Interaction) -> bool:
    """As :meth:`InteractionTracker.accept`, of the bot that the interaction is for."""
    tracker: InteractionTracker = interaction.client.tracker
    return tracker.accept(interaction)


class InteractionTracker:
    """The interactions that are being answered at the moment.

    ``late`` and ``repeated`` count those that were dropped. ``on_acknowledged`` is
    called with the seconds from an interaction's making to its acknowledgement.
    ``clock`` gives seconds and never goes back.
    """

    def __init__(
        self,
        on_acknowledged: Callable[[float], object] | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._open = True
        self.is_ending = False
        self._clock = clock
        self.late = 0
        self.repeated = 0
        self._on_acknowledged = on_acknowledged
        self._tasks: dict[asyncio.Task[object], Interaction] = {}  # and what each answers
        self._answering: dict[int, Answering] = {}
        self._latest: deque[int] = deque(maxlen=_REMEMBERED)

    def accept(self, interaction: Interaction) -> bool:
        """Whether the interaction is to be answered; the current task is then the one that does so.

        Not if it came too late to be acknowledged, nor if it came before, nor after :meth:`close`.
        """
        logs.belongs_to(str(interaction.id))
        if not self._open:
            log.info("dropped an interaction that arrived at the very end")
            return False
        age = discord.utils.utcnow() - interaction.created_at
        if age > MAX_AGE:
            # Its age is by two clocks.
            late = "dropped an interaction that arrived %.1f s late, by this machine's clock"
            log.warning(late, age.total_seconds())
            self.late += 1
            return False
        if interaction.id in self._latest:
            log.warning("dropped an interaction that came a second time")
            self.repeated += 1
            return False
        self._latest.append(interaction.id)
        if (task := asyncio.current_task()) is not None:
            # Two machines' clocks are compared, so it may seem to come from the future.
            under_way = max(0.0, age.total_seconds())
            self._answering[interaction.id] = Answering(kind_of(interaction), under_way, self._clock)
            self._tasks[task] = interaction
            task.add_done_callback(partial(self._answered, interaction.id))
        return True

    def acknowledged(self, interaction_id: int) -> None:
        """Discord has accepted the first answer to an interaction."""
        if (answering := self._answering.get(interaction_id)) is not None:
            answering.acknowledged = answering.age
            if self._on_acknowledged is not None:
                self._on_acknowledged(answering.acknowledged)

    def doubted(self, interaction_id: int) -> None:
        """Discord has failed on the first answer to an interaction, and may have accepted it or not."""
        if (answering := self._answering.get(interaction_id)) is not None:
            answering.in_doubt = True

    def is_in_doubt(self, interaction_id: int) -> bool:
        answering = self._answering.get(interaction_id)
        return answering is not None and answering.in_doubt

    def age(self, interaction_id: int) -> float:
        """How many seconds ago an interaction was made; 0 if it is not being answered."""
        answering = self._answering.get(interaction_id)
        return 0.0 if answering is None else answering.age

    def failed(self, interaction_id: int, error: BaseException) -> None:
        """An interaction is answered by telling of ``error``."""
        if (answering := self._answering.get(interaction_id)) is not None:
            answering.outcome = type(error).__name__

    async def answered(self, patience: float) -> None:
        """Return once nothing is being answered, or after ``patience`` seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while self._tasks:  # also what came meanwhile
                    await asyncio.wait(self._tasks)

    def lost(self, channel_id: int) -> None:
        """A channel is gone: answer nobody there any more, whatever has been computed so far."""
        for task, interaction in self._tasks.items():
            if interaction.channel_id == channel_id:
                task.cancel()

    def cancel(self) -> tuple[Interaction, ...]:
        """End what is still being answered; whose answers those were, who are to be told.

        From now on ``is_ending``: what comes is to be refused, for it would wait as those did.
        """
        self.is_ending = True
        for task in self._tasks:
            task.cancel()
        return tuple(one for one in self._tasks.values() if one.type is not InteractionType.autocomplete)

    def close(self) -> None:
        """Accept nothing any more: there is no time left to answer."""
        self._open = False

    def _answered(self, interaction_id: int, task: asyncio.Task[object]) -> None:
        del self._tasks[task]
        answering = self._answering.pop(interaction_id)
        if task.cancelled():
            answering.outcome = "cancelled"
        elif (error := task.exception()) is not None:
            answering.outcome = type(error).__name__
        answering.log()
