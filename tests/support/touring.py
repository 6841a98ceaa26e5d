"""Walking through /tour in tests."""

from __future__ import annotations

from typing import Any

from simcord import ChannelHandle, InteractionResult, MemberActor, ResponseMessage

from tests.support.reading import buttons, card_of, text_of

TITLES = (
    "1 of 7 · A text becomes tokens",
    "2 of 7 · Every token is a number",
    "3 of 7 · The model scores every token",
    "4 of 7 · Scores become probabilities",
    "5 of 7 · The dice choose",
    "6 of 7 · Add it, and repeat",
    "7 of 7 · What it is not",
)


def labels(card: ResponseMessage) -> list[str]:
    return [button["label"] for button in buttons(card.components)]


def title(answer: InteractionResult) -> str:
    return text_of(answer).partition("\n")[0]


async def at(station: int, actor: MemberActor, channel: ChannelHandle, **options: Any) -> InteractionResult:
    """A tour of "London was", advanced to ``station``."""
    answer = await actor.slash(channel, "tour", **{"prompt": "London was", "seed": 42, **options})
    for _ in range(station - 1):
        answer = await actor.click(card_of(answer), label="Next")
    return answer
