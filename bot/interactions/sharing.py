"""Make a private card public."""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import discord
from discord import ui

from bot.cards.layout import Text, delete_button, small
from bot.custom_ids import SHARE

Read = Callable[[str], Awaitable[bytes]]


async def shared(
    message: discord.Message, *, by: int, read: Read
) -> tuple[ui.LayoutView, list[discord.File]]:
    """Copy the card in ``message`` and its files, and add who shared it.

    Its buttons keep working; *Delete* takes the place of *Share*. ``read`` fetches a URL.
    """
    view = ui.LayoutView.from_message(message, timeout=None)
    copies = {url: discord.File(io.BytesIO(await read(url)), _file_name(url)) for url in _media(view)}
    for item in list(view.walk_children()):
        match item:
            case ui.MediaGallery():
                item.items = [_copy_of(picture, copies) for picture in item.items]
            case ui.File():
                item.media = copies[item.media.url]
            case ui.ActionRow():
                _replace_share(item, by)
    for container in view.children:
        if isinstance(container, ui.Container):
            container.add_item(Text(small(f"Shared by <@{by}>")))
    return view, list(copies.values())


def _media(view: ui.LayoutView) -> Iterator[str]:
    """Yield the URLs of the pictures and files on a card.

    They are nowhere else: what a component shows is not among its message's attachments.
    """
    for item in view.walk_children():
        match item:
            case ui.MediaGallery():
                yield from (picture.media.url for picture in item.items)
            case ui.File():
                yield item.media.url


def _file_name(url: str) -> str:
    return urlsplit(url).path.rpartition("/")[2]


def _replace_share(row: ui.ActionRow[Any], owner: int) -> None:
    """Put *Delete* where *Share* is."""
    for button in list(row.children):
        if isinstance(button, ui.Button) and button.custom_id == SHARE:
            row.remove_item(button)
            row.add_item(delete_button(owner))


def _copy_of(
    picture: discord.MediaGalleryItem, copies: Mapping[str, discord.File]
) -> discord.MediaGalleryItem:
    copy = copies[picture.media.url]
    return discord.MediaGalleryItem(copy, description=picture.description, spoiler=picture.spoiler)
