"""Modals that are found by their ``custom_id``, so one that is open during a restart still works.

discord.py remembers every modal it has sent until it is submitted, and ignores all others. So it is made to
forget them at once, and submissions are taken from the event it raises for each interaction.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import discord
from discord import ui

from bot.errors import StoreUnavailable
from bot.interactions.checks import fields, is_admitted
from bot.interactions.error_handler import answer_with_error
from bot.interactions.responses import Interaction, Stage, acknowledge

# Seconds to read what a modal shows: it must be the first answer, within Discord's three.
PATIENCE = 1.5

Known = TypeVar("Known")


@dataclass(frozen=True, slots=True)
class Submission:
    """The texts that were ``typed``, by the ``custom_id`` of their fields; ``match`` is the modal's own."""

    match: re.Match[str]
    typed: Mapping[str, str]


async def in_time(reading: Awaitable[Known]) -> Known:
    """Await what a modal needs from the store; StoreUnavailable if that takes too long."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await reading
    except TimeoutError:
        raise StoreUnavailable(f"no answer within {PATIENCE} s") from None


async def open_modal(interaction: Interaction, modal: ui.Modal) -> None:
    modal.stop()  # or discord.py would remember it
    await acknowledge(interaction, Stage.MODAL_OPENED, partial(interaction.response.send_modal, modal))


async def receive(
    interaction: Interaction, template: str, answer: Callable[[Submission], Awaitable[None]]
) -> None:
    """Pass a submitted modal to ``answer`` if its ``custom_id`` matches ``template``; ignore everything else.

    Errors reach the person like those of commands.
    """
    if interaction.type is not discord.InteractionType.modal_submit:
        return
    data: Mapping[str, Any] = interaction.data or {}
    match = re.fullmatch(template, data["custom_id"])
    if match is None or not await is_admitted(interaction):
        return
    try:
        await answer(Submission(match, {field["custom_id"]: field["value"] for field in fields(data)}))
    except Exception as error:
        await answer_with_error(interaction, error)
