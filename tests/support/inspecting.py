"""Helpers for the tests that inspect a finished text."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from discord import ui
from simcord import ChannelHandle, InteractionResult, MemberActor, ResponseMessage

from bot.features.complete import CompletionRun
from bot.features.next import WalkRun
from bot.playground.real_time import outside
from bot.playground.world import World
from bot.store.runs import Runs
from tests.support.reading import buttons, card_of, text_of

MENU = 3


async def complete(person: MemberActor, channel: ChannelHandle, **options: Any) -> ResponseMessage:
    defaults = {"prompt": "London was", "seed": 42, "max_tokens": 30}
    return card_of(await person.slash(channel, "complete", **{**defaults, **options}))


def run_id_of(card: ResponseMessage) -> str:
    return str(next(buttons(card.components))["custom_id"]).split(":")[2]


async def elsewhere(work: Coroutine[Any, Any, Any]) -> Any:
    """Await ``work`` outside the bot's simulated time."""
    return await outside(asyncio.ensure_future, work)


async def keep(runs: Runs, run: CompletionRun | WalkRun) -> None:
    """Store the run as if it had just been made."""
    await elsewhere(runs.keep(replace(run, asked_at=runs.now())))


async def posted(world: World, *custom_ids: str) -> Any:
    """A message from the bot with buttons of these ids."""
    view = ui.LayoutView(timeout=None)
    view.add_item(ui.ActionRow(*(ui.Button(label=one[:80], custom_id=one) for one in custom_ids)))
    place: Any = world.bot.get_channel(world.channel.id)
    return await place.send(view=view)


def menu_of(card: ResponseMessage) -> dict[str, Any]:
    rows = card.components[0]["components"]
    (menu,) = (row["components"][0] for row in rows if row.get("components", [{}])[0].get("type") == MENU)
    return dict(menu)


def position_of(answer: InteractionResult | ResponseMessage) -> int:
    """The position, from 1, of the token that the card explains."""
    found = re.search(r"· token ([\d,]+) of", text_of(answer))
    assert found, text_of(answer)
    return int(found[1].replace(",", ""))


def forks(answer: InteractionResult | ResponseMessage) -> list[str]:
    card = card_of(answer) if isinstance(answer, InteractionResult) else answer
    labels = [str(button["label"]) for button in buttons(card.components) if not button.get("disabled")]
    return [label for label in labels if label[0] in "①②③④⑤"]
