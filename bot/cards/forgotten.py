"""What ``/forget`` answers."""

from __future__ import annotations

from discord import ui

from bot.cards.layout import DONE_COLOUR, Text, card, plural


def forgotten(count: int) -> ui.LayoutView:
    """``count`` runs of the person have been deleted."""
    if count == 0:
        return card(Text("Nothing of yours is stored."), colour=DONE_COLOUR)
    return card(
        Text(
            f"Deleted: {plural(count, 'run')}, that is every finished text and every step of a walk that you "
            "asked for, and with them your rounds and votes in /guess. The cards stay where they are, but "
            "their buttons have nothing to work with any more."
        ),
        colour=DONE_COLOUR,
    )
