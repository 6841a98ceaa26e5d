"""The card of ``/forget``."""

from __future__ import annotations

from discord import ui

from bot.cards.layout import DONE_COLOUR, WAITING_COLOUR, Text, card
from bot.quoting import plural

_PENDING = (
    "Another program is reading the database files right now, so deleted data can still be found in them. "
    "I'll keep trying until it's gone."
)


def forget(runs: int, votes: int, *, pending: bool = False) -> ui.LayoutView:
    """How much was deleted of the person; ``pending`` says that the database files still hold it."""
    said = _deleted(runs, votes) if runs or votes else "I have nothing stored about you."
    lines = [Text(said), Text(_PENDING)] if pending else [Text(said)]
    return card(*lines, colour=WAITING_COLOUR if pending else DONE_COLOUR)


def _deleted(runs: int, votes: int) -> str:
    return (
        f"Deleted: {runs:,} saved {'reply' if runs == 1 else 'replies'} (your texts, walk steps and /guess "
        f"rounds) and {plural(votes, 'vote')}. What others made from them (Continue, Re-roll, forks, walks, "
        "tours) is gone too. The cards stay where they are, but their buttons no longer work."
    )
