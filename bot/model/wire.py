"""How the messages of :mod:`bot.model.protocol` go through a pipe.

A message is one frame: four bytes of length (big-endian), then that many bytes
of JSON, an object whose ``"type"`` names the dataclass. Both ends run the same
version of this file, so a frame that does not fit is a broken pipe or a stray
print, never a newer peer.
"""

from __future__ import annotations

import json
import struct
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from bot.model.protocol import Message

HEADER = struct.Struct(">I")
MAX_FRAME_BYTES = 16 * 1024 * 1024


class ProtocolError(Exception):
    """Bytes on the pipe that are no message of this protocol."""


_MESSAGES: dict[str, type[Any]] = {message.__name__: message for message in get_args(Message)}


def encode(message: Message) -> bytes:
    """The message's frame, header included."""
    body = json.dumps({"type": type(message).__name__, **_plain(message)}, separators=(",", ":")).encode()
    return HEADER.pack(len(body)) + body


def body_length(header: bytes) -> int:
    """How many bytes follow this four-byte header; ProtocolError if absurd."""
    (length,) = HEADER.unpack(header)
    if not 0 < length <= MAX_FRAME_BYTES:
        raise ProtocolError(f"a frame of {length} bytes")
    return int(length)


def decode(body: bytes) -> Message:
    """The message in a frame's body; ProtocolError if there is none."""
    try:
        value = json.loads(body)
        message: Message = _build(_MESSAGES[value.pop("type")], value)
    except (ValueError, ArithmeticError, LookupError, TypeError, AttributeError, RecursionError) as error:
        # The bytes themselves are not shown: they may be somebody's text.
        raise ProtocolError(f"{len(body)} bytes that are no message") from error
    return message


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


@cache
def _field_types(cls: type[Any]) -> dict[str, Any]:
    return get_type_hints(cls)


def _build(expected: Any, value: Any) -> Any:
    """``value`` as the annotated type ``expected``; TypeError if it is not one."""
    if is_dataclass(expected):
        types = _field_types(expected)  # type: ignore[arg-type]
        if set(value) != set(types):
            raise TypeError(f"{expected} has other fields")
        return expected(**{name: _build(types[name], value[name]) for name in types})  # type: ignore[operator]
    origin = get_origin(expected)
    if origin is tuple and isinstance(value, list):
        return tuple(_build(get_args(expected)[0], item) for item in value)
    if origin is Literal and value in get_args(expected):
        return value
    if origin in (Union, UnionType):
        choices = [choice for choice in get_args(expected) if choice is not NoneType]
        return None if value is None else _build(choices[0], value)
    if expected is float and type(value) in (int, float):
        return float(value)
    if origin is None and type(value) is expected:
        return value
    raise TypeError(f"{value!r} is not {expected}")
