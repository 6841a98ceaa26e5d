"""Interactions from arrival to end: accepted once and in time, known while under way, logged at the end.

Nothing here records what an interaction says, only its kind and its times.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import discord
from discord import InteractionType

from bot import logs
from bot.interactions.responses import Interaction, state_of

log = logging.getLogger(__name__)

# Discord forgets an unanswered interaction after 3 seconds.
MAX_AGE = timedelta(seconds=2.5)
# A duplicate, which Discord may send after a reconnect, is dropped by its age before 1,000 others follow it.
_REMEMBERED = 1_000

SUGGESTIONS = "suggestions"
OTHER = "other"
# The family and the action of one of the bot's own ids; the rest identifies one card.
_ACTION = re.compile(r"([a-z]+:[a-z-]+)(?::|$)")


@dataclass(slots=True)
class TrackedInteraction:
    """One interaction and the task that answers it; ``transit`` is the seconds it took to arrive.

    Times after that are by ``clock``, in seconds. (In the simulated Discord ``time.monotonic`` is
    replaced after this module was loaded, by a clock that stands still.)
    """

    interaction: Interaction
    task: asyncio.Task[object]
    transit: float
    clock: Callable[[], float]
    acknowledged: float | None = None  # seconds after it was made
    outcome: str = "ok"
    _arrived: float = field(init=False)

    def __post_init__(self) -> None:
        self._arrived = self.clock()

    @property
    def age(self) -> float:
        """Seconds since the interaction was made."""
        return self.transit + self.clock() - self._arrived

    def log(self) -> None:
        """Write the interaction's one line; suggestions get none, for every keystroke asks for some."""
        kind = kind_of(self.interaction)
        if kind == SUGGESTIONS:
            return
        seconds = round(self.age, 3)
        fields = {"kind": kind, "outcome": self.outcome, "seconds": seconds}
        acknowledged = ""
        if self.acknowledged is not None:
            fields["acknowledged"] = round(self.acknowledged, 3)
            acknowledged = f", acknowledged after {self.acknowledged:.3f} s"
        log.info("%s: %s after %.3f s%s", kind, self.outcome, seconds, acknowledged, extra=fields)


class InteractionTracker:
    """The interactions under way.

    ``dropped`` counts those that were not accepted, by reason. ``on_acknowledged`` is called with the
    seconds from an interaction's creation to its acknowledgement. ``clock`` is monotonic, in seconds.
    """

    def __init__(
        self,
        on_acknowledged: Callable[[float], object] | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.dropped = Counter(late=0, repeated=0, elsewhere=0)
        self.is_leaving = self.is_ending = False
        self._is_open = True
        self._clock = clock
        self._on_acknowledged = on_acknowledged
        self._under_way: dict[int, TrackedInteraction] = {}
        self._latest: deque[int] = deque(maxlen=_REMEMBERED)

    def accept(self, interaction: Interaction) -> bool:
        """Track the interaction as the one that the current task answers; false if it must not be answered.

        That is if it came too late to be acknowledged, came before, or comes after :meth:`close`.
        """
        logs.belongs_to(str(interaction.id))
        if not self._is_open:
            log.info("dropped an interaction that arrived at the very end")
            return False
        age = discord.utils.utcnow() - interaction.created_at
        if age > MAX_AGE:
            # Discord's clock made it and ours judges it.
            late = "dropped an interaction that arrived %.1f s late, by this machine's clock"
            log.warning(late, age.total_seconds())
            self.dropped["late"] += 1
            return False
        if interaction.id in self._latest:
            log.warning("dropped an interaction that came a second time")
            self.dropped["repeated"] += 1
            return False
        self._latest.append(interaction.id)
        if (task := asyncio.current_task()) is not None:
            transit = max(0.0, age.total_seconds())  # by two clocks, it may come from the future
            self._under_way[interaction.id] = TrackedInteraction(interaction, task, transit, self._clock)
            task.add_done_callback(partial(self._ended, interaction.id))
        return True

    def note_acknowledged(self, interaction_id: int) -> None:
        """Discord has accepted the first answer."""
        if (tracked := self._under_way.get(interaction_id)) is not None:
            tracked.acknowledged = tracked.age
            if self._on_acknowledged is not None:
                self._on_acknowledged(tracked.acknowledged)

    def note_doubt(self, interaction_id: int) -> None:
        """Discord has failed on the first answer, and may have accepted it nevertheless."""
        if (tracked := self._under_way.get(interaction_id)) is not None:
            state_of(tracked.interaction).is_in_doubt = True

    def note_elsewhere(self, interaction_id: int) -> None:
        """Another process answers it."""
        self.dropped["elsewhere"] += 1
        if (tracked := self._under_way.get(interaction_id)) is not None:
            tracked.outcome = "elsewhere"

    def note_error(self, interaction_id: int, error: BaseException) -> None:
        """The answer is an error message about ``error``."""
        if (tracked := self._under_way.get(interaction_id)) is not None:
            tracked.outcome = type(error).__name__

    def age(self, interaction_id: int) -> float:
        """Return the seconds since an interaction was made; 0 if it is not under way."""
        tracked = self._under_way.get(interaction_id)
        return 0.0 if tracked is None else tracked.age

    def leave(self) -> None:
        """This process will end: another, if there is one, should answer what comes from now on."""
        self.is_leaving = True

    async def wait_idle(self, patience: float) -> None:
        """Return once nothing is under way, or after ``patience`` seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while self._under_way:  # more may have come meanwhile
                    await asyncio.wait({tracked.task for tracked in self._under_way.values()})

    def cancel_in(self, channel_id: int) -> None:
        """Cancel every answer in a channel that no longer exists."""
        for tracked in self._under_way.values():
            if tracked.interaction.channel_id == channel_id:
                tracked.task.cancel()

    def cancel_all(self) -> tuple[Interaction, ...]:
        """Cancel every answer; return the interactions whose people need to hear of it.

        From now on ``is_ending``: new interactions should be refused, for lack of time to answer.
        """
        self.is_ending = True
        for tracked in self._under_way.values():
            tracked.task.cancel()
        interactions = (tracked.interaction for tracked in self._under_way.values())
        return tuple(one for one in interactions if one.type is not InteractionType.autocomplete)

    def close(self) -> None:
        """Accept nothing from now on: there is no time left to answer."""
        self._is_open = False

    def _ended(self, interaction_id: int, task: asyncio.Task[object]) -> None:
        tracked = self._under_way.pop(interaction_id)
        if task.cancelled():
            tracked.outcome = "cancelled"
        elif (error := task.exception()) is not None:
            tracked.outcome = type(error).__name__
        tracked.log()


def kind_of(interaction: Interaction) -> str:
    """Return a command's name or a button's action, never anything that was typed or chosen."""
    data: Mapping[str, Any] = interaction.data or {}
    match interaction.type:
        case InteractionType.application_command:
            return f"/{data['name']}" if data.get("type", 1) == 1 else f"Apps → {data['name']}"
        case InteractionType.autocomplete:
            return SUGGESTIONS
        case _:
            action = _ACTION.match(str(data.get("custom_id", "")))
            return action[1] if action else OTHER
