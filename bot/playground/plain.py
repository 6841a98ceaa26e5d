"""Discord's components → plain text for a terminal. Pure.

A picture becomes its alt text, a button its label in brackets; formatting is removed.
Nothing in a card can send the terminal a control sequence.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from discord import ComponentType

from bot.text.markdown import unformatted

RULE = "─" * 60

Component = Mapping[str, Any]
Names = Mapping[int, str]
NOBODY: Names = {}


def plain(components: Iterable[Component], names: Names = NOBODY) -> str:
    """The text of a message's components, one block per line or lines.

    ``names`` of people, by id, stand for their mentions.
    """
    return harmless("\n".join(line for component in components for line in _lines(component, names)))


def leaves(components: Iterable[Component]) -> Iterator[Component]:
    """The components that show something, in the order in which they are read."""
    for component in components:
        inner = [*component.get("components", ()), *filter(None, [component.get("accessory")])]
        if inner:
            yield from leaves(inner)
        else:
            yield component


def _lines(component: Component, names: Names) -> Iterator[str]:
    match component.get("type"):
        case ComponentType.text_display.value:
            yield unformatted(component["content"], names)
        case ComponentType.section.value:
            yield _section(component, names)
        case ComponentType.action_row.value:
            yield "  ".join(_control(child) for child in component["components"])
        case ComponentType.separator.value:
            yield RULE if component.get("divider", True) else ""
        case ComponentType.media_gallery.value:
            yield from (_picture(item) for item in component["items"])
        case ComponentType.file.value:
            yield f"(file: {file_name(component)})"
        case _:
            for child in component.get("components", ()):
                yield from _lines(child, names)


def _section(section: Component, names: Names) -> str:
    """The section's text, with its button or picture after the first line."""
    text = "\n".join(line for child in section["components"] for line in _lines(child, names))
    first, newline, rest = text.partition("\n")
    accessory = section["accessory"]
    is_picture = accessory["type"] == ComponentType.thumbnail.value
    return f"{first}  {_picture(accessory) if is_picture else _control(accessory)}{newline}{rest}"


def file_name(component: Component) -> str:
    """The name of the attachment that a file component shows."""
    return str(component["file"]["url"]).rpartition("/")[2]


def label(control: Component) -> str:
    """What a button says, or a menu that nothing has been chosen from."""
    emoji = (control.get("emoji") or {}).get("name")
    return " ".join(part for part in (emoji, control.get("label") or control.get("placeholder")) if part)


def _control(control: Component) -> str:
    link = f" {control['url']}" if control.get("url") else ""
    return f"[{label(control)}]{link}" + (" (disabled)" if control.get("disabled") else "")


def _picture(item: Component) -> str:
    return f"(picture: {item['description']})" if item.get("description") else "(picture)"


def harmless(text: str) -> str:
    """``text`` with control characters replaced, except line breaks and tabs."""
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(sign) == "Cc" and sign not in "\n\t" else sign
        for sign in text
    )
