"""What there is to read in anybody's message, in the order in which Discord shows it. Pure.

What somebody wrote, a poll, what bots say in embeds and in components; then the same
of a message that is forwarded. Not what Discord adds for those who look: previews of
links, names of stickers and files, sentences such as "Ada joined the party".
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
# The longer ones first: that of UTF-32 begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

Part = discord.Message | discord.MessageSnapshot


def said(message: discord.Message) -> str:
    """The message's text; of embeds and components as it is read, without the formatting."""
    return "\n".join(filter(None, (line for part in _parts(message) for line in _lines(part))))


def text_files(message: discord.Message) -> list[discord.Attachment]:
    """The text files that Discord shows with the message; FilesTooLarge if they are more than can be read."""
    files = [file for part in _parts(message) for file in part.attachments if _is_text(file)]
    if sum(file.size for file in files) > LARGEST_FILES:
        raise FilesTooLarge(limit=LARGEST_FILES)
    return files


def decoded(files: Iterable[bytes]) -> str:
    """What is in the files: UTF-8, or what the first bytes say, as those of some programs on Windows do."""
    return "\n".join(file.decode(_encoding(file), errors="replace") for file in files)


def _encoding(file: bytes) -> str:
    return next((encoding for mark, encoding in _MARKS if file.startswith(mark)), "utf-8-sig")


def displays(message: Part) -> Iterator[str]:
    """The text displays of a card, formatted as they are."""
    if not getattr(message, "components", ()):  # discord.py leaves out what Discord does
        return iter(())
    # A snapshot has components as a message has, and no more is looked at.
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
    """Whether it is what a bot wrote, and no preview of a link in the message."""
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
