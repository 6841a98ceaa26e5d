"""The last search of what is sent: no card shows a word that the community has blocked.

Texts are screened where they come from (``bot.moderation.screening``). This finds what is put together
only on a card, such as a table of candidates.
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


def refuse_blocked_words(
    interaction: discord.Interaction[Any],
    view: ui.LayoutView,
    files: Sequence[discord.File] = (),
    *,
    parts: Set[str] = frozenset(),
) -> None:
    """Raise Withheld if ``view``, or a text file sent with it, contains a blocked word.

    ``parts`` are words that appear on it only as tokens of longer ones; see ``bot.moderation.screening``.
    """
    blocked: BlockedWords = interaction.client.services.rules.blocked
    if not blocked:
        return
    if any(blocked.in_text(text, but=parts) for text in (*_texts_on(view), *map(_text_in, files))):
        raise Withheld


@contextmanager
def naming_seed(seed: int) -> Iterator[None]:
    """Let a Withheld from the block name the ``seed`` of the text it withholds."""
    try:
        yield
    except Withheld:
        raise Withheld(seed=seed) from None


def _texts_on(view: ui.LayoutView) -> Iterator[str]:
    """Yield everything there is to read on a card. A clipped word does not count as one."""
    for item in view.walk_children():
        for text in filter(None, _texts_of(item)):
            yield unformatted(text).replace(CLIPPED, _WITHIN_A_WORD)


def _texts_of(item: ui.Item[ui.LayoutView]) -> Iterator[str | None]:
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


def _text_in(file: discord.File) -> str:
    """Return a text file's text, or nothing for other files; it may be cut within a character."""
    if not file.filename.endswith(_TEXT):
        return ""
    text = file.fp.read().decode(errors="replace")
    file.reset()
    return text
