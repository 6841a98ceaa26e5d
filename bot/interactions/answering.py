"""How one interaction is being answered, for the operator: its kind and its times, never what it says."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from discord import InteractionType

from bot.interactions.reply import Interaction

log = logging.getLogger(__name__)

SUGGESTIONS = "suggestions"
OTHER = "other"
# The family and the action of one of the bot's own ids; what follows them is of one card.
_ACTION = re.compile(r"([a-z]+:[a-z-]+)(?::|$)")


@dataclass(slots=True)
class Answering:
    """``under_way`` is how many seconds the interaction took to arrive.

    What follows is by one ``clock``, also where Discord is simulated: there ``time.monotonic``
    is replaced by one that stands still, after this module was loaded.
    """

    kind: str
    under_way: float
    clock: Callable[[], float] = time.monotonic
    acknowledged: float | None = None  # seconds after it was made
    outcome: str = "ok"
    in_doubt: bool = False  # whether it was acknowledged
    _arrived: float = field(init=False)

    def __post_init__(self) -> None:
        self._arrived = self.clock()

    @property
    def age(self) -> float:
        """Seconds since the interaction was made."""
        return self.under_way + self.clock() - self._arrived

    def log(self) -> None:
        """One line for the interaction; none for the suggestions that come with every key."""
        if self.kind == SUGGESTIONS:
            return
        seconds = round(self.age, 3)
        fields = {"kind": self.kind, "outcome": self.outcome, "seconds": seconds}
        acknowledged = ""
        if self.acknowledged is not None:
            fields["acknowledged"] = round(self.acknowledged, 3)
            acknowledged = f", acknowledged after {self.acknowledged:.3f} s"
        log.info("%s: %s after %.3f s%s", self.kind, self.outcome, seconds, acknowledged, extra=fields)


def kind_of(interaction: Interaction) -> str:
    """A command's name or a button's action, never what somebody typed or chose."""
    data: Mapping[str, Any] = interaction.data or {}
    match interaction.type:
        case InteractionType.application_command:
            return f"/{data['name']}" if data.get("type", 1) == 1 else f"Apps → {data['name']}"
        case InteractionType.autocomplete:
            return SUGGESTIONS
        case _:
            action = _ACTION.match(str(data.get("custom_id", "")))
            return action[1] if action else OTHER
