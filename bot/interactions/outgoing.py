"""The last look at what is sent: no card shows a word that the community has blocked.

Texts are screened where they come from (``bot.moderation.screening``). What is put together
only for a card, such as a table of candidates, is found here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from typing import Any

import discord
from discord import ui

from bot.errors import Withheld
from bot.moderation.blocklist import BlockedWords
from bot.text.markdown import unformatted

CLIPPED = "…"
_WITHIN_A_WORD = "x"
_TEXT = ".txt"


def check(
    interaction: discord.Interaction[Any],
    view: ui.LayoutView,
    files: Sequence[discord.File] = (),
    *,
    parts: Set[str] = frozenset(),
) -> None:
    """Withheld if ``view``, or a file of text that goes with it, has a blocked word in it.

    ``parts`` are words that are on it only as tokens of longer ones; see ``bot.moderation.screening``.
    """
    blocked: BlockedWords = interaction.client.services.rules.blocked
    if blocked and any(blocked.in_text(text, but=parts) for text in (*_shown(view), *map(_written, files))):
        raise Withheld


@contextmanager
def told_with(seed: int) -> Iterator[None]:
    """Whatever is withheld in the body is said to be so with the ``seed`` that it was written with."""
    try:
        yield
    except Withheld:
        raise Withheld(seed=seed) from None


def _shown(view: ui.LayoutView) -> Iterator[str]:
    """All that is to be read on a card. A word of which a part was cut off is none."""
    for item in view.walk_children():
        for text in filter(None, _texts(item)):
            yield unformatted(text).replace(CLIPPED, _WITHIN_A_WORD)


def _texts(item: ui.Item[ui.LayoutView]) -> Iterator[str | None]:
    match item:
        case ui.TextDisplay():
            yield item.content
        case ui.Button():
            yield item.label
        case ui.Select():
            for option in item.options:
                yield from (option.label, option.description)
        case ui.MediaGallery():
            yield from (picture.description for picture in item.items)


def _written(file: discord.File) -> str:
    """The file's text, which may be cut within a character; nothing if it is none."""
    if not file.filename.endswith(_TEXT):
        return ""
    text = file.fp.read().decode(errors="replace")
    file.reset()
    return text
