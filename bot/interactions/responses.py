"""How far the answer to an interaction has come, and the request that answers it first.

Discord accepts one first answer and refuses every further one. So after a broken connection the bot does not
know how an interaction stands, and only learns it when its next attempt is refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from typing import Any

import discord

from bot.interactions.api_errors import ALREADY_ACKNOWLEDGED, UNANSWERED, with_retries

Interaction = discord.Interaction[Any]

# Seconds before each further attempt: Discord waits three in all for an acknowledgement.
_PAUSES = (0.0, 0.1, 0.2, 0.4)
_KEY = "response"  # in an interaction's extras


class Stage(Enum):
    """What people see as the answer to an interaction."""

    UNANSWERED = auto()
    DEFERRED = auto()  # nothing yet: the press is acknowledged, and its card unchanged
    THINKING = auto()  # "thinking…", or a card that only says so, for everyone
    THINKING_PRIVATELY = auto()
    REPLIED = auto()  # a message of its own
    UPDATED = auto()  # the pressed card, changed
    MODAL_OPENED = auto()


@dataclass(slots=True)
class ResponseState:
    """The ``stage`` of one interaction's answer, and what is uncertain about it."""

    stage: Stage = Stage.UNANSWERED
    # Where an attempt led if Discord carried it out without answering it; the first of several counts.
    unconfirmed: Stage | None = None
    # Discord failed (5xx) on the first answer. discord.py repeats it without saying so.
    is_in_doubt: bool = False

    @property
    def is_acknowledged(self) -> bool:
        return self.stage is not Stage.UNANSWERED

    def lost(self, stage: Stage) -> None:
        """An attempt that leads to ``stage`` got no answer."""
        self.unconfirmed = self.unconfirmed or stage

    def refused(self, stage: Stage) -> bool:
        """Discord has already been answered; true if it was by an earlier attempt of ours."""
        if self.is_in_doubt:
            self.lost(stage)
        if self.unconfirmed is None:
            return False
        self.stage = self.unconfirmed
        return True

    def edited(self) -> None:
        """An edit has put a card in the place of what stood there."""
        match self.stage:
            case Stage.THINKING | Stage.THINKING_PRIVATELY:
                self.stage = Stage.REPLIED
            case Stage.DEFERRED:
                self.stage = Stage.UPDATED


def state_of(interaction: Interaction) -> ResponseState:
    """Return the one state that belongs to ``interaction``."""
    state: ResponseState = interaction.extras.setdefault(_KEY, ResponseState())
    return state


async def acknowledge(interaction: Interaction, stage: Stage, send: Callable[[], Awaitable[object]]) -> bool:
    """Answer for the first time: ``send`` leads to ``stage``.

    Return false if an earlier attempt had come through unnoticed. What ``send`` sends is not shown then.
    """
    state = state_of(interaction)

    async def attempt() -> bool:
        try:
            await send()
        except (*UNANSWERED, asyncio.CancelledError):
            state.lost(stage)
            raise
        except discord.HTTPException as error:
            if error.code != ALREADY_ACKNOWLEDGED or not state.refused(stage):
                raise
            return False
        finally:
            if interaction.response.is_done() and not state.is_acknowledged:
                state.stage = stage
        return True

    return await with_retries(attempt, pauses=_PAUSES)


async def defer(interaction: Interaction) -> None:
    """Acknowledge a press that leaves its card unchanged, at least for now."""
    await acknowledge(interaction, Stage.DEFERRED, interaction.response.defer)


async def think(interaction: Interaction, *, private: bool) -> None:
    """Show "thinking…" where the reply will be."""
    send = partial(interaction.response.defer, thinking=True, ephemeral=private)
    await acknowledge(interaction, Stage.THINKING_PRIVATELY if private else Stage.THINKING, send)
