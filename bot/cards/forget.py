"""What ``/forget`` answers."""

from __future__ import annotations

from discord import ui

from bot.cards.layout import DONE_COLOUR, WAITING_COLOUR, Text, card
from bot.quoting import plural

_PENDING = (
    "Another program is reading the database's files right now, so what was deleted can still be found in "
    "them. I keep trying until it is gone."
)


def forget(runs: int, votes: int, *, pending: bool = False) -> ui.LayoutView:
    """So much has been deleted of the person; ``pending`` says that the database's files still hold it."""
    said = _deleted(runs, votes) if runs or votes else "Nothing of yours is stored."
    lines = [Text(said), Text(_PENDING)] if pending else [Text(said)]
    return card(*lines, colour=WAITING_COLOUR if pending else DONE_COLOUR)


def _deleted(runs: int, votes: int) -> str:
    return (
        f"Deleted: {plural(runs, 'run')}, that is every finished text, step of a walk and round of "
        f"/guess that you asked for, and {plural(votes, 'vote')} of yours. What others made from them "
        "(Continue, Re-roll, forks, walks, tours) is deleted, too. The cards stay where they are, but their "
        "buttons no longer work."
    )
