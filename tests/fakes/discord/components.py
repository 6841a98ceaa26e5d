"""Walking through the components of a message or a form, as Discord sends them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import IntEnum
from typing import Any


class Kind(IntEnum):
    """Component types."""

    ACTION_ROW = 1
    BUTTON = 2
    STRING_SELECT = 3
    TEXT_INPUT = 4
    SECTION = 9
    TEXT_DISPLAY = 10
    THUMBNAIL = 11
    MEDIA_GALLERY = 12
    FILE = 13
    SEPARATOR = 14
    CONTAINER = 17
    LABEL = 18


def walk(components: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Every component at every depth, each before those inside it."""
    for component in components:
        yield component  # type: ignore[misc]  # what JSON gives is a dict
        yield from walk(component.get("components", ()))
        yield from walk(component[name] for name in ("accessory", "component") if component.get(name))


def texts(components: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The contents of the text displays."""
    return (item["content"] for item in walk(components) if item["type"] == Kind.TEXT_DISPLAY)


def pressable(components: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Buttons and menus that have a ``custom_id``."""
    return (item for item in walk(components) if "custom_id" in item and item["type"] != Kind.TEXT_INPUT)


def media(components: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The media object of every picture and file, whose ``url`` can be read or replaced."""
    for item in walk(components):
        match item["type"]:
            case Kind.MEDIA_GALLERY:
                yield from (entry["media"] for entry in item["items"])
            case Kind.THUMBNAIL:
                yield item["media"]
            case Kind.FILE:
                yield item["file"]
