"""A private card as one for everyone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import discord
from discord import ui

from bot.cards.layout import DONE_COLOUR, PRIVATE_COLOUR, Text, delete_button, small
from bot.custom_ids import SHARE


def share(view: ui.LayoutView, *, by: int, copies: Mapping[str, discord.File]) -> None:
    """Make ``view`` say who shared it, with ``copies`` of its files by their addresses.

    Its buttons go on working; *Delete* takes the place of *Share*, and the colour is that of a public card.
    """
    for item in list(view.walk_children()):
        match item:
            case ui.MediaGallery():
                item.items = [_copied(picture, copies) for picture in item.items]
            case ui.File():
                item.media = copies[item.media.url]
            case ui.ActionRow():
                _exchange(item, by)
    for container in view.children:
        if isinstance(container, ui.Container):
            _sign(container, small(f"Shared by <@{by}>"))
            if container.accent_colour == discord.Colour(PRIVATE_COLOUR):
                container.accent_colour = DONE_COLOUR


def _sign(container: ui.Container[Any], line: str) -> None:
    """Add ``line`` to the small print at the card's end; older cards end on buttons."""
    last = container.children[-1] if container.children else None
    if isinstance(last, ui.TextDisplay):
        last.content = f"{last.content}\n{line}"
    else:
        container.add_item(Text(line))


def media(view: ui.LayoutView) -> Iterator[str]:
    """The addresses of the pictures and files that a card shows.

    Discord names them nowhere else: what a component shows is no attachment of its message.
    """
    for item in view.walk_children():
        match item:
            case ui.MediaGallery():
                yield from (picture.media.url for picture in item.items)
            case ui.File():
                yield item.media.url


def file_name(url: str) -> str:
    return urlsplit(url).path.rpartition("/")[2]


def _exchange(row: ui.ActionRow[Any], owner: int) -> None:
    """Put *Delete* where *Share* is."""
    for button in list(row.children):
        if isinstance(button, ui.Button) and button.custom_id == SHARE:
            row.remove_item(button)
            row.add_item(delete_button(owner))


def _copied(
    picture: discord.MediaGalleryItem, copies: Mapping[str, discord.File]
) -> discord.MediaGalleryItem:
    copy = copies[picture.media.url]
    return discord.MediaGalleryItem(copy, description=picture.description, spoiler=picture.spoiler)
