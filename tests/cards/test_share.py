"""A shared card says who shared it, in its small print, and looks like a public one."""

from __future__ import annotations

import discord
import pytest
from discord import ui

from bot import cards
from bot.cards.layout import (
    DONE_COLOUR,
    PRIVATE_COLOUR,
    WAITING_COLOUR,
    Audience,
    Row,
    Text,
    arranged,
    card,
)
from tests.support.limits import buttons_of, text_of
from tests.support.samples import ADA

MINE = Row(Audience(ADA, private=True).button)


def colour_of(view: ui.LayoutView) -> object:
    (frame,) = view.children
    assert isinstance(frame, ui.Container)
    return frame.accent_colour


def shared(view: ui.LayoutView) -> ui.LayoutView:
    for frame in view.children:
        if isinstance(frame, ui.Container) and isinstance(frame.accent_colour, int):
            frame.accent_colour = discord.Colour(frame.accent_colour)  # as Discord's messages have it
    cards.share(view, by=ADA, copies={})
    return view


def test_the_name_joins_the_small_print_and_adds_no_component() -> None:
    view = arranged("Text", MINE, facts="gpt2 · seed 7", colour=PRIVATE_COLOUR)
    before = view.total_children_count
    shared(view)

    assert text_of(view).splitlines() == ["Text", "-# gpt2 · seed 7", f"-# Shared by <@{ADA}>"]
    assert view.total_children_count == before
    assert list(buttons_of(view)) == ["Delete"]


def test_an_older_card_ends_on_buttons_and_gets_a_line() -> None:
    view = shared(card(Text("Text"), MINE, colour=PRIVATE_COLOUR))

    assert text_of(view).splitlines() == ["Text", f"-# Shared by <@{ADA}>"]


@pytest.mark.parametrize(
    ("private", "public"), [(PRIVATE_COLOUR, DONE_COLOUR), (WAITING_COLOUR, WAITING_COLOUR)]
)
def test_it_loses_the_colour_of_private_cards(private: int, public: int) -> None:
    view = shared(card(Text("Text"), MINE, colour=private))

    assert colour_of(view) in (public, discord.Colour(public))
