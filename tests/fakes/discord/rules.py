"""What Discord's documentation demands of a request's body, and what this bot promises. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tests.fakes.discord.components import Kind, texts, walk
from tests.fakes.discord.interaction import CallbackType
from tests.fakes.discord.state import Flag

MAX_COMPONENTS = 40
MAX_TEXT = 4_000
_CHILDREN = {Kind.SECTION: (1, 3), Kind.CONTAINER: (1, MAX_COMPONENTS), Kind.MEDIA_GALLERY: (1, 10)}


def callback_problems(body: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the response to an interaction, as sentences."""
    data = body.get("data") or {}
    match body.get("type"):
        case CallbackType.MESSAGE:
            yield from message_problems(data)
        case CallbackType.UPDATE:
            yield from message_problems(data, is_edit=True)
        case CallbackType.DEFERRED_MESSAGE if data.get("flags", 0) & ~Flag.EPHEMERAL:
            yield "a deferred response can carry no flag but EPHEMERAL"
        case CallbackType.MODAL:
            yield from _form(data)
        case CallbackType.AUTOCOMPLETE:
            yield from _choices(data.get("choices", []))
        case CallbackType.DEFERRED_MESSAGE | CallbackType.DEFERRED_UPDATE:
            pass
        case other:
            yield f"there is no callback of type {other}"


def message_problems(body: Mapping[str, Any], *, is_edit: bool = False) -> Iterator[str]:
    """What is wrong with a message that is created or edited."""
    yield from _mentions(body.get("allowed_mentions"))
    components = body.get("components") or []
    has_text = any(body.get(name) for name in ("content", "embeds", "poll", "sticker_ids"))
    if not is_edit and not components and not has_text and not body.get("attachments"):
        yield "a message is empty"
    if len(body.get("content") or "") > 2_000:
        yield "content has more than 2,000 characters"
    yield from component_problems(components)


def component_problems(components: list[dict[str, Any]]) -> Iterator[str]:
    """What is wrong with a message's components, together and individually."""
    items = list(walk(components))
    if len(items) > MAX_COMPONENTS:
        yield f"{len(items)} components are more than {MAX_COMPONENTS}"
    if (length := sum(map(len, texts(components)))) > MAX_TEXT:
        yield f"{length} characters of text are more than {MAX_TEXT}"
    ids = [item["custom_id"] for item in items if item.get("custom_id")]
    if len(ids) > len(set(ids)):
        yield "two components have the same custom_id"
    for item in items:
        yield from _item(item)


def _mentions(allowed: Mapping[str, Any] | None) -> Iterator[str]:
    if allowed is None:
        yield "allowed_mentions is missing"
    elif allowed.get("parse") != [] or allowed.get("users") or allowed.get("roles"):
        yield f"allowed_mentions allows pings: {dict(allowed)}"
    elif allowed.get("replied_user"):
        yield "allowed_mentions pings the author of the message it replies to"


def _item(item: Mapping[str, Any]) -> Iterator[str]:
    kind = item["type"]
    if "custom_id" in item:
        yield from _length(item, "custom_id", 1, 100)
    if kind in _CHILDREN:
        lowest, highest = _CHILDREN[kind]
        count = len(item.get("items") or item.get("components") or ())
        if not lowest <= count <= highest:
            yield f"{Kind(kind).name} holds {count} instead of {lowest} to {highest}"
    match kind:
        case Kind.TEXT_DISPLAY:
            yield from _length(item, "content", 1, MAX_TEXT)
            if not item["content"].strip():
                yield "a text display is blank"
        case Kind.BUTTON:
            yield from _button(item)
        case Kind.STRING_SELECT:
            yield from _menu(item)
        case Kind.ACTION_ROW:
            yield from _row(item.get("components", []))
        case Kind.MEDIA_GALLERY:
            for picture in item.get("items", ()):
                yield from _length(picture, "description", 1, 1024)


def _button(item: Mapping[str, Any]) -> Iterator[str]:
    yield from _length(item, "label", 0, 80)
    if not item.get("label") and not item.get("emoji"):
        yield "a button has neither label nor emoji"
    if ("url" in item) == ("custom_id" in item):
        yield "a button needs either an address or a custom_id"


def _menu(item: Mapping[str, Any]) -> Iterator[str]:
    options = item.get("options", [])
    if not 1 <= len(options) <= 25:
        yield f"a menu has {len(options)} options instead of 1 to 25"
    yield from _length(item, "placeholder", 0, 150)
    if len({option["value"] for option in options}) < len(options):
        yield "two options of a menu have the same value"
    for option in options:
        yield from _length(option, "label", 1, 100)
        yield from _length(option, "value", 1, 100)
        yield from _length(option, "description", 0, 100)


def _row(children: list[dict[str, Any]]) -> Iterator[str]:
    width = sum(1 if child["type"] == Kind.BUTTON else 5 for child in children)
    if not 1 <= width <= 5:
        yield "an action row holds more than five buttons or one menu, or nothing"


def _form(data: Mapping[str, Any]) -> Iterator[str]:
    yield from _length(data, "title", 1, 45)
    yield from _length(data, "custom_id", 1, 100)
    components = data.get("components", [])
    if not 1 <= len(components) <= 5:
        yield f"a form has {len(components)} fields instead of 1 to 5"
    for item in walk(components):
        yield from _length(item, "custom_id", 1, 100)
        if item["type"] in (Kind.LABEL, Kind.TEXT_INPUT):
            yield from _length(item, "label", 1, 45)
            yield from _length(item, "description", 0, 100)
            yield from _length(item, "placeholder", 0, 100)
            yield from _length(item, "value", 0, 4_000)


def _choices(choices: list[dict[str, Any]]) -> Iterator[str]:
    if len(choices) > 25:
        yield f"{len(choices)} suggestions are more than 25"
    for choice in choices:
        yield from _length(choice, "name", 1, 100)
        if isinstance(choice.get("value"), str):
            yield from _length(choice, "value", 1, 100)


def _length(of: Mapping[str, Any], name: str, lowest: int, highest: int) -> Iterable[str]:
    value = of.get(name)
    if value is not None and not lowest <= len(value) <= highest:
        yield f"{name} has {len(value)} characters instead of {lowest} to {highest}"
