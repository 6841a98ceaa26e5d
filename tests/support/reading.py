"""Reading the bot's replies in the simulated Discord."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from simcord import InteractionResult, ResponseMessage

from bot.playground.answer import is_error, seen
from bot.playground.plain import RULE, plain

BUTTON = 2


def text_of(answer: InteractionResult | ResponseMessage) -> str:
    """The reply's cards as plain text, buttons as ``[Label]``."""
    messages = seen(answer) if isinstance(answer, InteractionResult) else [answer]
    return "\n".join(plain(message.components) for message in messages)


def written_in(answer: InteractionResult | ResponseMessage) -> str:
    """Prompt and continuation on a card of /complete, without the lines below them."""
    return text_of(answer).partition(RULE)[0]


def card_of(answer: InteractionResult) -> ResponseMessage:
    """The reply's only message; fails if there is none or more than one, or if it is an error."""
    (message,) = seen(answer)
    assert not is_error(message), text_of(answer)
    return message


def refusal_of(answer: InteractionResult) -> str:
    """The sentence of an error that only the requester sees."""
    *_, last = seen(answer)
    assert is_error(last), text_of(answer)
    assert last.ephemeral
    return plain(last.components)


def buttons(components: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Every button of a message, at any depth."""
    for component in components:
        if component["type"] == BUTTON:
            yield component
        yield from buttons(component.get("components", ()))
        if "accessory" in component:
            yield from buttons([component["accessory"]])
