"""How the messages of :mod:`bot.model.protocol` travel through a pipe or an HTTP stream.

A message is one frame: four bytes of length (big-endian), then that many bytes
of JSON, an object whose ``"type"`` names the message's class. Both ends of a pipe run the
same version of this file, so a frame that does not fit is a broken pipe or a
stray print, never a newer peer; over HTTP each says its VERSION first.

Python's own ``json`` writes the text, because msgspec's JSON has neither infinite numbers
(the logprob of a token whose probability is 0) nor lone surrogates (in the name of a folder
that is not UTF-8). msgspec checks every field, and reads all but what has one of these.
"""

from __future__ import annotations

import json
import struct
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from bot.model.protocol import Message

HEADER = struct.Struct(">I")
MAX_FRAME_BYTES = 16 * 1024 * 1024
VERSION = 1  # goes up with every change of a message; what is newer or older is not understood

#: HTTP headers. A service says its own in every answer; the bot says what it expects.
VERSION_HEADER = "tokenwise-version"
FINGERPRINT_HEADER = "tokenwise-fingerprint"  # of the model, in short
REPLICA_HEADER = "tokenwise-replica"  # which one answers
#: The replica that should, then those that should not, each behind a minus, commas in between. It is
#: handed to the router by this name.
WANTED_HEADER = "x-session-id"


class ProtocolError(Exception):
    """Bytes on the pipe that are not a message of this protocol."""


def encode(message: Message) -> bytes:
    """Return the message's frame, header included."""
    body = encode_body(message)
    return HEADER.pack(len(body)) + body


def encode_body(message: Message) -> bytes:
    """Return the frame's body alone, where something else says how long it is."""
    return json.dumps(msgspec.to_builtins(message), separators=(",", ":")).encode()


def body_length(header: bytes, most: int = MAX_FRAME_BYTES) -> int:
    """Return how many bytes follow this four-byte header; ProtocolError if none, or more than ``most``."""
    (length,) = HEADER.unpack(header)
    if not 0 < length <= most:
        raise ProtocolError(f"a frame of {length} bytes")
    return int(length)


def decode(body: bytes) -> Message:
    """Return the message in a frame's body; ProtocolError if there is none."""
    try:
        message = _decoder().decode(body)
    except (ValueError, RecursionError, msgspec.MsgspecError):
        return _decode_slowly(body)
    return _decode_slowly(body) if _has_defaults(type(message)) else message


@cache
def _decoder() -> msgspec.json.Decoder[Message]:
    """Twenty times as fast as :func:`_decode_slowly`: a bot that follows hundreds of texts feels it."""
    return msgspec.json.Decoder(Message)


def _decode_slowly(body: bytes) -> Message:
    """Read what JSON does not have, too, and demand every field, be there a default or not."""
    try:
        value = json.loads(body)
        message: Message = msgspec.convert(value, Message, strict=True)
        if not _is_complete(message, value):
            raise ValueError("a field is missing")
    except (ValueError, RecursionError, msgspec.ValidationError) as error:
        # The bytes themselves stay out of the error: they may be a user's text.
        raise ProtocolError(f"{len(body)} bytes that are no message") from error
    return message


@cache
def _has_defaults(kind: type[msgspec.Struct]) -> bool:
    """Whether anything in such a message has a default. Of all else msgspec demands every field."""
    return _any_default(inspect.type_info(kind))


def _any_default(of: inspect.Type) -> bool:
    match of:
        case inspect.StructType(fields=fields):
            return any(not field.required or _any_default(field.type) for field in fields)
        case inspect.VarTupleType(item_type=item):
            return _any_default(item)
        case inspect.UnionType(types=types):
            return any(map(_any_default, types))
    return False


def _is_complete(message: Any, value: Any) -> bool:
    """Whether ``value`` names every field; defaults are for the code that makes a message."""
    if isinstance(message, msgspec.Struct):
        names = message.__struct_fields__
        return all(name in value and _is_complete(getattr(message, name), value[name]) for name in names)
    if isinstance(message, tuple):
        return all(map(_is_complete, message, value))
    return True
