"""The score table of ``/guess``: who found the model's favourite how often."""

from __future__ import annotations

from collections.abc import Sequence

from discord import ui

from bot.cards.layout import DONE_COLOUR, Text, card, plural, small
from bot.features.guessing import Score

_TOP = 10
_LEADERS = 3
_MEDALS = ("🥇", "🥈", "🥉")


def scores(table: Sequence[Score], *, person: int, days: int) -> ui.LayoutView:
    """The best of a server, and where ``person``, who asked, stands; rounds are kept for ``days`` days."""
    lines = [_line(place, score) for place, score in enumerate(table[:_TOP], start=1)]
    lines += [
        _line(place, score)
        for place, score in enumerate(table, start=1)
        if score.person == person and place > _TOP
    ]
    return card(
        Text("### 🏆 Who guesses the model best"),
        Text("\n".join(lines) or "Nobody has played a round to its end yet."),
        Text(
            small(
                "How often somebody found the model’s favourite, of the rounds in which they voted. "
                f"Rounds on this server that are over count for {plural(days, 'day')}."
            )
        ),
        colour=DONE_COLOUR,
    )


def leaders(table: Sequence[Score]) -> str:
    """The best three in one line; nothing where nobody has played."""
    best = " · ".join(_line(place, score) for place, score in enumerate(table[:_LEADERS], start=1))
    return f"**Scores on this server:** {best}" if best else ""


def _line(place: int, score: Score) -> str:
    medal = _MEDALS[place - 1] if place <= len(_MEDALS) else f"**{place:,}.**"
    return f"{medal} <@{score.person}> {score.right:,} of {plural(score.rounds, 'round')}"
