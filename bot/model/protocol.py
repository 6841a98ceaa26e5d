"""What the bot process and the model worker say to each other.

Every message is a frozen dataclass. On the wire a message is one frame: four
bytes of length (big-endian), then that many bytes of JSON, an object whose
``"type"`` names the dataclass. Both ends run the same version of this file, so
a frame that does not fit is a broken pipe or a stray print, never a newer peer.

    parent ── Submit, Abort ──▶ worker
    parent ◀── Loading, Ready, Unusable, Stepped, Ended, Rejected ── worker
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

FinishReason = Literal["stop", "length", "cancelled"]
UnusableReason = Literal["not_found", "not_gpt2", "failed"]

HEADER = struct.Struct(">I")
MAX_FRAME_BYTES = 16 * 1024 * 1024
GPT2_LARGE = "openai-community/gpt2-large"  # the worker pins its revision
MAX_SEED = 2**32 - 1  # what transformers.set_seed takes


class ProtocolError(Exception):
    """Bytes on the pipe that are no message of this protocol."""


@dataclass(frozen=True, slots=True)
class SamplingParams:
    """How the next token is chosen.

    ``temperature`` 0 is greedy; ``top_k`` 0 and ``top_p`` 1 switch that filter
    off. ``skip_draws`` is the number of draws of ``seed`` already spent, so that
    a continued text goes on exactly as one longer request would have.
    ``candidates`` is how many of the likeliest tokens every step reports.
    """

    max_new_tokens: int = 64
    temperature: float = 0.9
    top_k: int = 50
    top_p: float = 1.0
    seed: int = 0
    skip_draws: int = 0
    candidates: int = 5


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    request_id: str
    prompt_ids: tuple[int, ...]
    params: SamplingParams


@dataclass(frozen=True, slots=True)
class Candidate:
    """A token the model could say next.

    ``logit`` is the model's own; ``logprob`` is the natural logarithm of the
    token's probability at the request's temperature (at 1 where it is 0), over
    the whole vocabulary, before top-k and top-p; ``rank`` 1 is the likeliest.
    """

    token_id: int
    logit: float
    logprob: float
    rank: int


@dataclass(frozen=True, slots=True)
class Step:
    """One forward pass's outcome: what was chosen, and what was likely.

    ``entropy`` is that of the whole distribution at the request's temperature,
    in bits.
    """

    chosen: Candidate
    candidates: tuple[Candidate, ...]
    entropy: float


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """The loaded model. ``fingerprint`` is what the same seed's text depends on."""

    name: str
    revision: str | None
    parameters: int
    layers: int
    heads: int
    width: int
    context: int
    vocabulary: int
    dtype: str
    device: str
    threads: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Submit:
    request: GenerationRequest


@dataclass(frozen=True, slots=True)
class Abort:
    request_id: str


@dataclass(frozen=True, slots=True)
class Loading:
    """``done`` of ``total`` ``unit``s of a stage; ``total`` 0 while unknown."""

    stage: str
    done: int
    total: int
    unit: str


@dataclass(frozen=True, slots=True)
class Ready:
    info: ModelInfo


@dataclass(frozen=True, slots=True)
class Unusable:
    """The model cannot be loaded; the worker ends after saying so."""

    reason: UnusableReason
    detail: str


@dataclass(frozen=True, slots=True)
class Stepped:
    """Step number ``index`` (from 0) of a request."""

    request_id: str
    index: int
    step: Step


@dataclass(frozen=True, slots=True)
class Ended:
    request_id: str
    finish_reason: FinishReason


@dataclass(frozen=True, slots=True)
class Rejected:
    """This request failed alone; the worker and its neighbours go on."""

    request_id: str
    detail: str


ToWorker = Submit | Abort
FromWorker = Loading | Ready | Unusable | Stepped | Ended | Rejected
Message = ToWorker | FromWorker

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
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ProtocolError(f"not a message: {body[:80]!r}") from error
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
