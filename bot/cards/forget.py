"""The cards of ``/forget``: what would be deleted, and what was."""

from __future__ import annotations

from dataclasses import dataclass

import discord
from discord import ui

from bot.cards.layout import PRIVATE_COLOUR, WAITING_COLOUR, Row, arranged, button
from bot.custom_ids import forget_id
from bot.quoting import plural

_PENDING = (
    "Another program is reading the database files right now, so deleted data can still be found in them. "
    "I'll keep trying until it's gone."
)
_TEXT = (
    "A text is a prompt of yours with an answer of the model: `/compare` makes three or more, a walk one for "
    "each step."
)


@dataclass(frozen=True, slots=True)
class PersonalData:
    """What is stored of a person: ``texts`` and ``votes`` go, ``rounds`` stay without them."""

    texts: int
    votes: int
    rounds: int

    @property
    def amount(self) -> str:
        """What goes, such as "14 texts, 3 votes"."""
        counts = ((self.texts, "text"), (self.votes, "vote"))
        return ", ".join(plural(number, noun) for number, noun in counts if number)


def ask_forget(data: PersonalData, *, owner: int, is_again: bool = False) -> ui.LayoutView:
    """Ask ``owner`` whether all this goes; ``is_again``: there is more than they were told."""
    what = data.amount or f"your name from {plural(data.rounds, 'round')}"
    again = "\nThere is more now than when I asked, so I ask again." if is_again else ""
    return arranged(
        f"### Delete {what}?{again}",
        Row(
            button("Cancel", forget_id("cancel", owner)),
            button(
                "Delete",
                forget_id("delete", owner, data.texts, data.votes, data.rounds),
                style=discord.ButtonStyle.danger,
            ),
        ),
        result=[*([_TEXT] if data.texts else []), *_consequences(data, "goes")],
        facts="Messages stay in Discord, but their buttons stop working.",
        colour=PRIVATE_COLOUR,
    )


def forgotten(data: PersonalData, *, pending: bool = False) -> ui.LayoutView:
    """Say how much was deleted; ``pending``: the database files still hold it."""
    colour = WAITING_COLOUR if pending else PRIVATE_COLOUR
    waiting = [_PENDING] if pending else []
    if not (data.texts or data.votes or data.rounds):
        return arranged(
            "I have nothing stored about you.", result=waiting, facts="Only you see this.", colour=colour
        )
    what = data.amount or f"your name from {plural(data.rounds, 'round')}"
    return arranged(
        f"### Deleted: {what}",
        result=[*_consequences(data, "is gone"), *waiting],
        facts="Messages stay in Discord, but their buttons no longer work.",
        colour=colour,
    )


def not_forgotten() -> ui.LayoutView:
    return arranged("Nothing was deleted.", facts="Only you see this.", colour=PRIVATE_COLOUR)


def _consequences(data: PersonalData, goes: str) -> list[str]:
    """Say what else goes, and what stays: two lines."""
    lines = []
    if data.texts:
        lines.append(f"What others made from your texts, such as a Continue or a fork, {goes} too.")
    if data.votes or data.rounds:
        lines.append(f"Others keep their votes and scores in `/guess`{_rounds(data.rounds)}.")
    return lines


def _rounds(count: int) -> str:
    """Say what becomes of the rounds that the person started; a beginning of the bot's own stays, too."""
    if not count:
        return ""
    rounds = "the round you started stays" if count == 1 else f"the {count:,} rounds you started stay"
    return f"; {rounds}, without your name, your vote and any text of yours"
