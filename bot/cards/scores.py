"""The leaderboard of ``/guess``: how often each player found the model's top guess."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from discord import ui

from bot.cards.layout import PRIVATE_COLOUR, arranged, picture
from bot.cards.pictures.bars import Bar, alt_text
from bot.cards.pictures.canvas import LIGHT_COLOURS
from bot.features.guess import Score
from bot.quoting import plural

PICTURE = "leaderboard.png"

_TOP = 10
_LEADERS = 5
_MEDALS = ("🥇", "🥈", "🥉")
_NONE_RIGHT = "No correct guesses yet."
_COLOUR, _OWN_COLOUR = LIGHT_COLOURS[:2]
_UNNAMED = "(name below)"

Placed = tuple[int | None, Score]


@dataclass(frozen=True, slots=True)
class LeaderboardCard:
    """A server's scores for ``person``; ``names`` has those of people, as far as they are known.

    Rounds count for ``days`` days.
    """

    scores: Sequence[Score]
    person: int
    days: int
    names: Mapping[int, str]


def listed(scores: Sequence[Score], person: int) -> tuple[Placed, ...]:
    """The best players with their places, and ``person``; nobody before the first correct guess."""
    if not any(score.right for score in scores):
        return ()
    placed = _placed(scores)
    return (*placed[:_TOP], *(one for one in placed[_TOP:] if one[1].person == person))


def leaderboard(content: LeaderboardCard) -> ui.LayoutView:
    """Build the card; if anyone is :func:`listed`, it shows an attachment named PICTURE.

    Players without a name in the picture are mentioned below it.
    """
    rows = listed(content.scores, content.person)
    unnamed = [
        f"{_sign(place)} <@{score.person}>" for place, score in rows if score.person not in content.names
    ]
    none = [_NONE_RIGHT if content.scores else "No finished rounds yet."]
    bars = leaderboard_bars(content)
    return arranged(
        "### 🏆 Leaderboard",
        picture=picture(PICTURE, f"Correct guesses: {alt_text(bars)}") if rows else None,
        result=[" · ".join(unnamed)] if unnamed else [] if rows else none,
        facts=(
            "Correct guesses, of the rounds each player voted in. "
            f"Finished rounds on this server count for {plural(content.days, 'day')}."
        ),
        colour=PRIVATE_COLOUR,
    )


def leaderboard_bars(content: LeaderboardCard) -> tuple[Bar, ...]:
    """Make the picture's rows: a player each."""
    rows = listed(content.scores, content.person)
    most = max((score.right for _, score in rows), default=1)

    def bar(place: int | None, score: Score) -> Bar:
        name = content.names.get(score.person)
        is_own = score.person == content.person
        return Bar(
            label=name or _UNNAMED,
            length=score.right / most,
            value=f"{score.right:,} of {score.rounds:,}",
            rank="–" if place is None else f"{place:,}",
            mark="you" if is_own else "",
            colour=_OWN_COLOUR if is_own else _COLOUR,
            is_plain=name is None,
        )

    return tuple(bar(*row) for row in rows)


def leaders(scores: Sequence[Score]) -> str:
    """The players with a medal, in one line; nothing before the first finished round."""
    if not scores:
        return ""
    best = [_line(place, score) for place, score in _placed(scores) if place and place <= len(_MEDALS)]
    more = f" and {len(best) - _LEADERS:,} more" if len(best) > _LEADERS else ""
    return f"**Leaderboard:** {' · '.join(best[:_LEADERS]) or _NONE_RIGHT}{more}"


def _placed(scores: Sequence[Score]) -> list[Placed]:
    """Each player's place: shared by those who did equally well, None without a correct guess."""
    first: dict[tuple[int, int], int] = {}
    for place, score in enumerate(scores, start=1):
        first.setdefault((score.right, score.rounds), place)
    return [(first[score.right, score.rounds] if score.right else None, score) for score in scores]


def _line(place: int, score: Score) -> str:
    return f"{_sign(place)} <@{score.person}> {score.right:,} of {plural(score.rounds, 'round')}"


def _sign(place: int | None) -> str:
    if place is None:
        return "–"
    return _MEDALS[place - 1] if place <= len(_MEDALS) else f"**{place:,}.**"
