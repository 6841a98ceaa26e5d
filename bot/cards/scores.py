"""The score table of ``/guess``: who found the model's favourite how often."""

from __future__ import annotations

from collections.abc import Sequence

from discord import ui

from bot.cards.layout import DONE_COLOUR, Text, card, small
from bot.features.guess import Score
from bot.quoting import plural

_TOP = 10
_LEADERS = 5
_MEDALS = ("🥇", "🥈", "🥉")
_NOBODY = "Nobody has found a favourite yet."


def leaderboard(table: Sequence[Score], *, person: int, days: int) -> ui.LayoutView:
    """The best of a server, and where ``person``, who asked, stands; rounds are kept for ``days`` days."""
    return card(
        Text("### 🏆 Who guesses the model best"),
        Text(_standings(table, person)),
        Text(
            small(
                "How often somebody found the model's favourite, of the rounds in which they voted. "
                f"Rounds on this server that are over count for {plural(days, 'day')}."
            )
        ),
        colour=DONE_COLOUR,
    )


def leaders(table: Sequence[Score]) -> str:
    """Those with a medal in one line; nothing where nobody has played."""
    if not table:
        return ""
    best = [_line(place, score) for place, score in _placed(table) if place and place <= len(_MEDALS)]
    more = f" and {len(best) - _LEADERS:,} more" if len(best) > _LEADERS else ""
    return f"**Scores on this server:** {' · '.join(best[:_LEADERS]) or _NOBODY}{more}"


def _standings(table: Sequence[Score], person: int) -> str:
    if not table:
        return "Nobody has played a round to its end yet."
    if not any(score.right for score in table):
        return _NOBODY
    placed = _placed(table)
    shown = placed[:_TOP] + [(place, score) for place, score in placed[_TOP:] if score.person == person]
    return "\n".join(_line(place, score) for place, score in shown)


def _placed(table: Sequence[Score]) -> list[tuple[int | None, Score]]:
    """Everybody's place: the same for those who did equally well, none for who found nothing."""
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
