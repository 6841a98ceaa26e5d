"""Running /compare and reading its card."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import discord
from discord import ui
from simcord import ChannelHandle, InteractionResult, MemberActor, ResponseMessage

from bot.cards.compare_branches import PLACES
from bot.custom_ids import OPEN
from bot.features.compare import METHODS
from bot.playground.world import World
from tests.support.reading import buttons, card_of, text_of


async def compare(person: MemberActor, channel: ChannelHandle, **options: Any) -> InteractionResult:
    defaults: Mapping[str, Any] = {"prompt": "London was", "seed": 42, "max_tokens": 8}
    return await person.slash(channel, "compare", **{**defaults, **options})


def opening(card: ResponseMessage) -> dict[str, str]:
    """The custom_ids of the buttons that open a text, by its method."""
    labelled = ((str(button["label"]), str(button["custom_id"])) for button in buttons(card.components))
    return {label[2:]: one for label, one in labelled if label[0] in PLACES}


def texts_of(answer: InteractionResult | ResponseMessage) -> dict[str, str]:
    """Each method's text, as the card shows it while it is written, or its picture says it then."""
    text = text_of(answer)
    if (said := re.search(r"\(picture: (.*)\)$", text, re.MULTILINE)) is None:
        lines = [line[2:] for line in text.splitlines() if line[:1] in tuple(PLACES)]
        named = ((method.name, line) for line in lines for method in METHODS if line.startswith(method.name))
        return {name: line.removeprefix(name)[1:] for name, line in named}
    parts = (part.partition(": ") for part in re.split(rf"; [{PLACES}] ", said[1])[1:])
    return {head.partition(",")[0]: words for head, _, words in parts}


async def older_card(world: World, run_id: str) -> Any:
    """A card of a version before 0.3: its texts open from a menu, here the one of the run."""
    menu = ui.Select[ui.LayoutView](
        custom_id=OPEN, options=[discord.SelectOption(label="temperature 1.0", value=run_id)]
    )
    view = ui.LayoutView(timeout=None)
    view.add_item(ui.ActionRow(menu))
    place: Any = world.bot.get_channel(world.channel.id)
    return await place.send(view=view)


async def open_one(person: MemberActor, answer: InteractionResult, method: str) -> InteractionResult:
    """Press the button that opens the text of ``method``."""
    card = card_of(answer)
    return await person.click(card, custom_id=opening(card)[method])
