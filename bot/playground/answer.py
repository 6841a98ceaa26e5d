"""The answer to one command in the simulated Discord: each card with its files and its numbers."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from discord import ComponentType
from simcord import InteractionResult, ResponseMessage

from bot.cards import ERROR_COLOUR
from bot.custom_ids import RUN_ID
from bot.errors import TokenwiseError
from bot.playground.plain import Component, leaves
from bot.playground.slash import described, parse
from bot.playground.world import World
from bot.services import Services
from bot.store.rows import Run

_NUMBERS = "numbers:"
_RUN = re.compile(rf"(?<![0-9a-f]){RUN_ID}(?![0-9a-f])")
_PICTURES = frozenset({".gif", ".jpg", ".png", ".webp"})


@dataclass(frozen=True)
class Attached:
    """A file of a card."""

    name: str
    content: bytes

    @property
    def is_picture(self) -> bool:
        return PurePosixPath(self.name).suffix in _PICTURES


@dataclass(frozen=True)
class Card:
    """A message of the bot. ``numbers`` is the card that its *Numbers* button shows, if it has one;
    ``runs`` are the texts and tables that its buttons work on."""

    components: tuple[Component, ...]
    private: bool
    attached: tuple[Attached, ...]
    numbers: tuple[Component, ...] = ()
    runs: tuple[Run, ...] = ()

    is_error: bool = False


async def answer(
    world: World, line: str, services: Services, ready: Callable[[], Awaitable[object]]
) -> tuple[Card, ...]:
    """The cards that the first member finally sees after typing ``line``; Mistyped if it is no command."""
    tree = world.bot.tree
    name, values = parse(line, described(command.to_dict(tree) for command in tree.get_commands()))
    await ready()
    result = await world.members[0].slash(world.channel, name, **values)
    return tuple([await _card(world, message, services) for message in seen(result)])


def seen(result: InteractionResult) -> list[ResponseMessage]:
    """All messages that answer an interaction, in order."""
    first = [] if result.response is None else [result.response]
    return first + result.followups


def is_error(message: ResponseMessage) -> bool:
    """Whether the message is an error card."""
    return any(component.get("accent_color") == ERROR_COLOUR for component in message.components)


async def _card(world: World, message: ResponseMessage, services: Services) -> Card:
    components = tuple(message.components)
    numbers: list[Component] = []
    for control in leaves(components):
        if str(control.get("custom_id")).startswith(_NUMBERS) and not control.get("disabled"):
            pressed = await world.members[0].click(message, custom_id=control["custom_id"])
            numbers += (part for shown in seen(pressed) for part in shown.components)
    return Card(
        components=components,
        private=message.ephemeral,
        attached=tuple([Attached(file.filename, await file.read()) for file in message.attachments]),
        numbers=tuple(numbers),
        runs=tuple([run async for run in _runs(components, services)]),
        is_error=is_error(message),
    )


async def _runs(components: tuple[Component, ...], services: Services) -> AsyncIterator[Run]:
    """The runs whose ids the card's buttons carry, as far as they are kept and may be shown."""
    if services.rules.blocked:  # which may be in candidates that the card does not show
        return
    ids = [found["run_id"] for text in _identities(components) for found in _RUN.finditer(text)]
    for run_id in dict.fromkeys(ids):
        try:
            yield await services.runs.get(run_id)
        except TokenwiseError:
            continue  # such as a run that was never kept


def _identities(components: tuple[Component, ...]) -> Iterator[str]:
    """What the buttons and the menus' options of a card stand for."""
    for control in leaves(components):
        yield str(control.get("custom_id", ""))
        if control.get("type") == ComponentType.string_select.value:
            yield from (str(option["value"]) for option in control["options"])
