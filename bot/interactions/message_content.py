"""The text of any message, in the order in which Discord shows it.

The written content, a poll, a bot's embeds and components; then the same for a forwarded message. Not what
Discord adds for the viewer: link previews, names of stickers and files, sentences such as "Ada joined the
party".
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from typing import cast

import discord
from discord import ui

from bot.errors import FilesTooLarge
from bot.text.markdown import unformatted

LARGEST_FILES = 16_384  # bytes, of all files together: some 4,000 words
# The longer ones first: UTF-32's begin with UTF-16's.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

Part = discord.Message | discord.MessageSnapshot


def text_of(message: discord.Message) -> str:
    """Return the message's text; embeds and components without their formatting."""
    return "\n".join(filter(None, (line for part in _parts(message) for line in _lines(part))))


def text_files(message: discord.Message) -> list[discord.Attachment]:
    """The text files that Discord shows with the message; FilesTooLarge if they are more than can be read."""
    files = [file for part in _parts(message) for file in part.attachments if _is_text(file)]
    if sum(file.size for file in files) > LARGEST_FILES:
        raise FilesTooLarge(limit=LARGEST_FILES)
    return files


def decoded(files: Iterable[bytes]) -> str:
    """Decode the files as UTF-8, unless their first bytes say otherwise, as some Windows programs' do."""
    return "\n".join(file.decode(_encoding(file), errors="replace") for file in files)


def _encoding(file: bytes) -> str:
    return next((encoding for mark, encoding in _MARKS if file.startswith(mark)), "utf-8-sig")


def displays(message: Part) -> Iterator[str]:
    """Yield the text displays of a card, with their formatting."""
    if not getattr(message, "components", ()):  # discord.py omits the attribute if Discord does
        return iter(())
    # from_message reads components alone, which a snapshot has too.
    view = ui.LayoutView.from_message(cast("discord.Message", message), timeout=None)
    return (item.content for item in view.walk_children() if isinstance(item, ui.TextDisplay))


def _parts(message: discord.Message) -> tuple[Part, ...]:
    return (message, *message.message_snapshots)


def _lines(part: Part) -> Iterator[str]:
    yield part.content
    if isinstance(part, discord.Message) and part.poll is not None:
        yield from _poll(part.poll)
    for embed in part.embeds:
        if _is_written(embed, part.content):
            yield from map(unformatted, _embed(embed))
    yield unformatted("\n".join(displays(part)))


def _poll(poll: discord.Poll) -> Iterator[str]:
    yield poll.question
    for answer in poll.answers:
        is_sign = answer.emoji is not None and answer.emoji.id is None
        yield f"{answer.emoji} {answer.text}" if is_sign else answer.text


def _is_written(embed: discord.Embed, content: str) -> bool:
    """Whether a bot wrote the embed; otherwise it previews a link in the message."""
    return embed.type == "rich" and not (embed.url and embed.url in content)


def _embed(embed: discord.Embed) -> Iterator[str]:
    yield embed.author.name or ""
    yield embed.title or ""
    yield embed.description or ""
    for field in embed.fields:
        yield field.name or ""
        yield field.value or ""
    yield embed.footer.text or ""


def _is_text(file: discord.Attachment) -> bool:
    return (file.content_type or "").startswith("text/")
