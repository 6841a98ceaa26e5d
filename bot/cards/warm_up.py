"""The card of a request that waits while the model loads."""

from __future__ import annotations

import discord
from discord import ui

from bot.cards.layout import WAITING_COLOUR, Row, arranged, button
from bot.custom_ids import custom_id
from bot.queue.updates import Warming
from bot.quoting import ordinal
from bot.text.escaping import bold, inert_head, inert_tail
from bot.text.wrapping import last_rows

_PROMPT_BUDGET, _PROMPT_ROWS = 1_500, 22
_PROGRESS_BUDGET = 100


def warming_up(place: Warming, key: str, *, prompt: str = "") -> ui.LayoutView:
    """Show the place in line that ``key`` identifies, under the ``prompt`` if there is one."""
    position = "first" if place.position == 1 else ordinal(place.position)
    line = f"⏳ Warming up, you're {position} in line."
    shows_prompt = bool(prompt.strip())
    stop = button("Stop", custom_id("warmup", "stop", key), style=discord.ButtonStyle.danger)
    return arranged(
        bold(inert_tail(last_rows(prompt, _PROMPT_ROWS), _PROMPT_BUDGET)) if shows_prompt else line,
        Row(stop),
        result=[line] if shows_prompt else (),
        facts=f"The model is loading: {inert_head(place.progress, _PROGRESS_BUDGET)}",
        colour=WAITING_COLOUR,
    )
