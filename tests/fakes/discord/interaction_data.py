"""The ``data`` of INTERACTION_CREATE for what people do. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tests.fakes.discord import payloads
from tests.fakes.discord.components import Kind, pressable, walk
from tests.fakes.discord.state import Json, Message

SLASH, ON_MESSAGE = 1, 3


def slash_data(
    commands: Iterable[Json], name: str, options: Mapping[str, Any], focused: str | None = None
) -> Json:
    """A slash command with its options; ``focused`` names the one to suggest values for.

    Raises LookupError for a command or an option that the bot has not registered.
    """
    command = _command(commands, name, SLASH)
    types = {option["name"]: option["type"] for option in command.get("options", ())}
    values = [
        {"name": option, "type": types[option], "value": value}
        | ({"focused": True} if option == focused else {})
        for option, value in options.items()
    ]
    return {"id": command["id"], "name": name, "type": SLASH, "options": values}


def message_command_data(commands: Iterable[Json], name: str, target: Message) -> Json:
    command = _command(commands, name, ON_MESSAGE)
    resolved = {"messages": {str(target.id): payloads.message(target)}}
    return {
        "id": command["id"],
        "name": name,
        "type": ON_MESSAGE,
        "target_id": str(target.id),
        "resolved": resolved,
    }


def press_data(
    message: Message, *, label: str | None, custom_id: str | None, values: Sequence[str] | None
) -> Json:
    """A press on a button or menu of the message. Raises LookupError if it is missing or disabled."""
    item = find(message, label=label, custom_id=custom_id)
    if item.get("disabled"):
        raise LookupError(f"{item.get('label') or item['custom_id']} cannot be pressed")
    data = {"id": item["id"], "custom_id": item["custom_id"], "component_type": item["type"]}
    return data if values is None else data | {"values": list(values)}


def find(message: Message, *, label: str | None = None, custom_id: str | None = None) -> Json:
    """The first button or menu with this label (or placeholder), or this ``custom_id``."""
    for item in pressable(message.components):
        said = item.get("label") or item.get("placeholder")
        if (label is None or said == label) and custom_id in (None, item["custom_id"]):
            return item
    raise LookupError(f"nothing to press: label={label!r} custom_id={custom_id!r}")


def form_data(form: Json, typed: Mapping[str, str]) -> Json:
    """A filled-in form; ``typed`` maps labels or ``custom_id``s of fields to texts."""
    return {"custom_id": form["custom_id"], "components": list(_filled(form["components"], typed))}


def _filled(components: Iterable[Json], typed: Mapping[str, str]) -> Iterator[Json]:
    for number, outer in enumerate(components, 1):
        inner = [outer["component"]] if "component" in outer else outer.get("components", [])
        fields = [
            {"type": Kind.TEXT_INPUT, "id": 100 + number, "custom_id": field["custom_id"]}
            | {
                "value": typed.get(
                    outer.get("label", ""), typed.get(field["custom_id"], field.get("value", ""))
                )
            }
            for field in walk(inner)
            if field["type"] == Kind.TEXT_INPUT
        ]
        filled = {"component": fields[0]} if "component" in outer and fields else {"components": fields}
        yield {"type": outer["type"], "id": number} | filled


def _typed(typed: Mapping[str, str], label: str, field: Json) -> str:
    return typed.get(label, typed.get(field["custom_id"], field.get("value") or ""))


def _command(commands: Iterable[Json], name: str, kind: int) -> Json:
    for command in commands:
        if command["name"] == name and command.get("type", SLASH) == kind:
            return command
    raise LookupError(f"no command {name!r} is registered")
