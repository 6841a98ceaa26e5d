"""The leaderboard of ``/guess``: how often each player found the model's top guess."""

from __future__ import annotations

from collections.abc import Sequence

from discord import ui

from bot.cards.layout import DONE_COLOUR, Text, card, small
from bot.features.guess import Score
from bot.quoting import plural

_TOP = 10
_LEADERS = 5
_MEDALS = ("🥇", "🥈", "🥉")
_NONE_RIGHT = "No correct guesses yet."


def leaderboard(table: Sequence[Score], *, person: int, days: int) -> ui.LayoutView:
    """The best players of a server, and the place of ``person``; rounds count for ``days`` days."""
    return card(
        Text("### 🏆 Leaderboard"),
        Text(_standings(table, person)),
        Text(
            small(
                "Correct guesses, of the rounds each player voted in. "
                f"Finished rounds on this server count for {plural(days, 'day')}."
            )
        ),
        colour=DONE_COLOUR,
    )


def leaders(table: Sequence[Score]) -> str:
    """The players with a medal, in one line; nothing before the first finished round."""
    if not table:
        return ""
    best = [_line(place, score) for place, score in _placed(table) if place and place <= len(_MEDALS)]
    more = f" and {len(best) - _LEADERS:,} more" if len(best) > _LEADERS else ""
    return f"**Leaderboard:** {' · '.join(best[:_LEADERS]) or _NONE_RIGHT}{more}"


def _standings(table: Sequence[Score], person: int) -> str:
    if not table:
        return "No finished rounds yet."
    if not any(score.right for score in table):
        return _NONE_RIGHT
    placed = _placed(table)
    shown = placed[:_TOP] + [(place, score) for place, score in placed[_TOP:] if score.person == person]
    return "\n".join(_line(place, score) for place, score in shown)


def _placed(table: Sequence[Score]) -> list[tuple[int | None, Score]]:
    """Each player's place: shared by those who did equally well, None without a correct guess."""
    first: dict[tuple[int, int], int] = {}
    for place, score in enumerate(table, start=1):
        first.setdefault((score.right, score.rounds), place)
    return [(first[score.right, score.rounds] if score.right else None, score) for score in table]


def _line(place: int | None, score: Score) -> str:
    return f"{_sign(place)} <@{score.person}> {score.right:,} of {plural(score.rounds, 'round')}"


def _sign(place: int | None) -> str:
    if place is None:
        return "–"
    return _MEDALS[place - 1] if place <= len(_MEDALS) else f"**{place:,}.**"
