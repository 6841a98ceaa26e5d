"""Running /compare and reading its card."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from simcord import ChannelHandle, InteractionResult, MemberActor, ResponseMessage

from bot.custom_ids import OPEN
from bot.playground.plain import RULE
from tests.support.reading import card_of, text_of

SELECT = 3


async def compare(person: MemberActor, channel: ChannelHandle, **options: Any) -> InteractionResult:
    defaults: Mapping[str, Any] = {"prompt": "London was", "seed": 42, "max_tokens": 8}
    return await person.slash(channel, "compare", **{**defaults, **options})


def options_of(components: Any) -> Iterator[tuple[str, str]]:
    """Label and value of each option in a card's menus."""
    for component in components:
        if component["type"] == SELECT:
            yield from ((option["label"], option["value"]) for option in component["options"])
        yield from options_of(component.get("components", ()))


def texts_of(answer: InteractionResult | ResponseMessage) -> dict[str, str]:
    """Each method's text, as the card shows it."""
    found = re.findall(r"^([^:·\n]+): [^\n]*\n([^\n]*)\n", text_of(answer).split(RULE)[1], re.MULTILINE)
    return dict(found)


async def open_one(person: MemberActor, answer: InteractionResult, method: str) -> InteractionResult:
    """Choose the text of ``method`` in the card's menu."""
    card = card_of(answer)
    value = dict(options_of(card.components))[method]
    return await person.select(card, [value], custom_id=OPEN)
