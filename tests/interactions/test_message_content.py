"""The text of a message is what people see of it."""

from __future__ import annotations

from codecs import BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE, BOM_UTF32_LE
from collections.abc import Mapping
from typing import Any

import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import FilesTooLarge
from bot.interactions.message_content import LARGEST_FILES, decoded, text_files, text_of

TEXT_DISPLAY, SECTION, CONTAINER, ACTION_ROW, BUTTON, THUMBNAIL = 10, 9, 17, 1, 2, 11
STATE: Any = discord.Client(intents=discord.Intents.none())._connection
WHEN = "2026-01-01T00:00:00+00:00"

Json = Mapping[str, Any]


def payload(**fields: Any) -> dict[str, Any]:
    return {
        "id": "1",
        "channel_id": "2",
        "author": {"id": "3", "username": "ada", "discriminator": "0", "avatar": None},
        "content": "",
        "timestamp": WHEN,
        "edited_timestamp": None,
        "tts": False,
        "mention_everyone": False,
        "mentions": [],
        "mention_roles": [],
        "attachments": [],
        "embeds": [],
        "pinned": False,
        "type": 0,
    } | fields


def message(**fields: Any) -> discord.Message:
    channel: Any = discord.PartialMessageable(STATE, 2)
    data: Any = payload(**fields)
    return discord.Message(state=STATE, channel=channel, data=data)


def forwarding(**fields: Any) -> discord.Message:
    """Return a message that forwards one with these ``fields``."""
    return message(message_snapshots=[{"message": payload(**fields)}])


def file(name: str, content_type: str | None, size: int = 3) -> Json:
    address = f"https://cdn.discordapp.com/attachments/1/2/{name}"
    return {
        "id": "9",
        "filename": name,
        "size": size,
        "url": address,
        "proxy_url": address,
        "content_type": content_type,
    }


def text(content: str) -> Json:
    return {"type": TEXT_DISPLAY, "id": 1, "content": content}


BUTTON_ROW = {
    "type": ACTION_ROW,
    "id": 5,
    "components": [{"type": BUTTON, "id": 6, "style": 2, "label": "Press", "custom_id": "x"}],
}
CARD = [
    {
        "type": CONTAINER,
        "id": 2,
        "components": [
            text("### A *heading*"),
            {
                "type": SECTION,
                "id": 3,
                "components": [text("in a section")],
                "accessory": {"type": THUMBNAIL, "id": 4, "media": {"url": "https://x/y.png"}},
            },
            BUTTON_ROW,
        ],
    },
    text("below"),
]
EMBED = {
    "type": "rich",
    "author": {"name": "The author"},
    "title": "The **title**",
    "description": "What it is\nabout",
    "fields": [{"name": "A field", "value": "its value", "inline": True}, {"name": "Another", "value": "2"}],
    "footer": {"text": "the footer"},
}
IN_EMBED = "The author\nThe title\nWhat it is\nabout\nA field\nits value\nAnother\n2\nthe footer"
POLL = {
    "question": {"text": "Which one?"},
    "answers": [
        {"answer_id": 1, "poll_media": {"text": "Tea", "emoji": {"id": None, "name": "🍵"}}},
        {"answer_id": 2, "poll_media": {"text": "Coffee"}},
        {"answer_id": 3, "poll_media": {"text": "Mate", "emoji": {"id": "12", "name": "mate"}}},
    ],
    "expiry": WHEN,
    "allow_multiselect": False,
    "layout_type": 1,
}


@pytest.mark.parametrize(
    ("fields", "seen"),
    [
        ({"content": "**Paris** will ||not||"}, "**Paris** will ||not||"),
        ({"embeds": [EMBED]}, IN_EMBED),
        ({"embeds": [EMBED, {"type": "rich", "title": "Second"}]}, IN_EMBED + "\nSecond"),
        ({"embeds": [{"type": "rich", "image": {"url": "https://x/y.png"}}]}, ""),
        ({"poll": POLL}, "Which one?\n🍵 Tea\nCoffee\nMate"),
        ({"flags": 1 << 15, "components": CARD}, "A *heading*\nin a section\nbelow"),
        ({"content": "Press it", "components": [BUTTON_ROW]}, "Press it"),
        (
            {"content": "First", "embeds": [EMBED], "poll": POLL},
            f"First\nWhich one?\n🍵 Tea\nCoffee\nMate\n{IN_EMBED}",
        ),
        ({"sticker_items": [{"id": "1", "name": "wave", "format_type": 1}]}, ""),
        ({"attachments": [file("cat.png", "image/png")]}, ""),
        ({"type": 7}, ""),  # "Ada joined the party", in the reader's language
    ],
    ids=[
        "content",
        "embed",
        "embeds",
        "picture",
        "poll",
        "card",
        "buttons",
        "all",
        "sticker",
        "file",
        "system",
    ],
)
def test_visible_text_is_read_in_order(fields: Json, seen: str) -> None:
    assert text_of(message(**fields)) == seen


@pytest.mark.parametrize(
    ("fields", "seen"),
    [
        ({"content": "**Paris** will"}, "**Paris** will"),
        ({"embeds": [EMBED]}, IN_EMBED),
        ({"flags": 1 << 15, "components": CARD}, "A *heading*\nin a section\nbelow"),
    ],
)
def test_a_forwarded_message_is_read_like_any_other(fields: Json, seen: str) -> None:
    assert text_of(forwarding(**fields)) == seen


def test_link_previews_are_not_read() -> None:
    link = "https://example.org/page"
    preview = {"type": "article", "url": link, "title": "A page"}
    rich = {"type": "rich", "url": link, "description": "What a person posted there"}

    assert text_of(message(content=f"Look: {link}", embeds=[preview, rich])) == f"Look: {link}"
    assert text_of(message(embeds=[rich])) == "What a person posted there"


@pytest.mark.parametrize(
    ("content_type", "is_read"),
    [
        ("text/plain; charset=utf-8", True),
        ("text/x-python", True),
        ("image/png", False),
        ("application/octet-stream", False),
        (None, False),
    ],
)
def test_only_text_files_are_read(content_type: str | None, is_read: bool) -> None:
    attachments = [file("a", content_type)]

    assert len(text_files(message(attachments=attachments))) == is_read
    assert len(text_files(forwarding(attachments=attachments))) == is_read


def test_too_many_bytes_are_refused_before_they_are_fetched() -> None:
    half = LARGEST_FILES // 2
    files = [file("a.txt", "text/plain", half), file("b.txt", "text/plain", half)]

    assert len(text_files(message(attachments=[*files, file("c.png", "image/png", 10**9)]))) == 2
    with pytest.raises(FilesTooLarge) as refusal:
        text_files(message(attachments=[*files, file("c.txt", "text/plain", 1)]))
    assert "16 KB" in refusal.value.sentence


@pytest.mark.parametrize(
    ("data", "seen"),
    [
        (b"a\r\nb", "a\r\nb"),
        (b"\xef\xbb\xbfBOM", "BOM"),
        (b"\xff\x00", "\ufffd\x00"),
        *(
            (BOM_UTF16_LE + "é😀".encode("utf-16-le"), "é😀"),
            (BOM_UTF16_BE + "é😀".encode("utf-16-be"), "é😀"),
        ),
        *(
            (BOM_UTF32_LE + "é😀".encode("utf-32-le"), "é😀"),
            (BOM_UTF32_BE + "é😀".encode("utf-32-be"), "é😀"),
        ),
        (BOM_UTF16_LE + b"a\x00b", "a\ufffd"),
    ],
)
def test_a_file_is_utf_8_unless_its_first_bytes_say_otherwise(data: bytes, seen: str) -> None:
    assert decoded([data]) == seen
    assert decoded([data, b"more"]) == f"{seen}\nmore"


@given(st.binary())
def test_any_file_can_be_decoded(data: bytes) -> None:
    decoded([data]).encode()


@given(st.text(), st.sampled_from(["content", "title", "description", "field", "card"]))
def test_any_text_can_be_read(content: str, place: str) -> None:
    fields: dict[str, Json] = {
        "content": {"content": content},
        "title": {"embeds": [{"type": "rich", "title": content}]},
        "description": {"embeds": [{"type": "rich", "description": content}]},
        "field": {"embeds": [{"type": "rich", "fields": [{"name": content, "value": content}]}]},
        "card": {"flags": 1 << 15, "components": [text(content)]},
    }

    assert isinstance(text_of(message(**fields[place])), str)
    assert isinstance(text_of(forwarding(**fields[place])), str)
