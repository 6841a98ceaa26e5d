"""What ``/forget`` answers."""

from __future__ import annotations

from discord import ui

from bot.cards.layout import DONE_COLOUR, Text, card, plural


def forgotten(runs: int, votes: int) -> ui.LayoutView:
    """So much has been deleted of the person."""
    if not runs and not votes:
        return card(Text("Nothing of yours is stored."), colour=DONE_COLOUR)
    return card(
        Text(
            f"Deleted: {plural(runs, 'run')}, that is every finished text, step of a walk and round of "
            f"/guess that you asked for, and {plural(votes, 'vote')} of yours. The cards stay where they "
            "are, but their buttons have nothing to work with any more."
        ),
        colour=DONE_COLOUR,
    )
