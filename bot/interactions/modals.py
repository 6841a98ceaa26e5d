"""Modals that are found by their ``custom_id``, so that one open during a restart is answered.

discord.py keeps every modal it has sent in memory until it is submitted, and drops
what is submitted of any other. So it is given none to keep, and what people submit
is taken from the event that it makes of each interaction.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import discord
from discord import InteractionResponseType as Kind
from discord import ui

from bot.errors import StoreUnavailable
from bot.interactions.checks import admitted
from bot.interactions.error_handler import report
from bot.interactions.responses import Interaction, acknowledge

# Seconds for what a modal needs to know: it must be the first answer, within Discord's three.
PATIENCE = 1.5

Known = TypeVar("Known")


@dataclass(frozen=True, slots=True)
class Submission:
    """What somebody typed, by the ``custom_id`` of its field; ``match`` is the modal's."""

    match: re.Match[str]
    typed: Mapping[str, str]


async def in_time(reading: Awaitable[Known]) -> Known:
    """What a modal is to show, read from the store; StoreUnavailable if that takes too long for one."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await reading
    except TimeoutError:
        raise StoreUnavailable(f"no answer within {PATIENCE} s") from None


async def open_modal(interaction: Interaction, modal: ui.Modal) -> None:
    modal.stop()  # what is stopped is not kept
    await acknowledge(interaction, Kind.modal, partial(interaction.response.send_modal, modal))


async def receive(
    interaction: Interaction, template: str, answer: Callable[[Submission], Awaitable[None]]
) -> None:
    """Let ``answer`` take a submitted modal whose ``custom_id`` matches ``template``.

    Everything else is left alone. Errors reach ``report``, like those of commands.
    """
    if interaction.type is not discord.InteractionType.modal_submit:
        return
    data: Mapping[str, Any] = interaction.data or {}
    match = re.fullmatch(template, data["custom_id"])
    if match is None or not await admitted(interaction):
        return
    try:
        await answer(Submission(match, dict(_typed(data["components"]))))
    except Exception as error:
        await report(interaction, error)


def _typed(components: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for component in components:
        if "value" in component:
            yield component["custom_id"], component["value"]
        yield from _typed(component.get("components", ()))
        if "component" in component:
            yield from _typed([component["component"]])
