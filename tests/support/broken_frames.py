"""Frames damaged as by a broken pipe, a stray print or a bug of ours.

The same ``Random`` gives the same frames.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from bot.model.model_info import AddedToken, Tokenizer
from bot.model.protocol import (
    Abort,
    Alike,
    Candidate,
    Capacity,
    Ended,
    Forget,
    GenerationRequest,
    Loading,
    Lookup,
    Message,
    Ping,
    Pong,
    Ready,
    Rejected,
    SamplingParams,
    Similar,
    Step,
    Stepped,
    Submit,
    Unusable,
)
from bot.model.wire import HEADER, encode
from tests.fakes.scripted_worker import scripted_info

_FIRST = Candidate(464, -31.25, -0.5, 1)
_IMPOSSIBLE = Candidate(0, -99.5, -math.inf, 50_257)

#: One message of every kind; :func:`damaged` breaks them.
WHOLE: tuple[Message, ...] = (
    Submit(GenerationRequest("a", (40313, 481), SamplingParams(seed=7), generated=1)),
    Abort("a"),
    Lookup("lookup 1", 464, 8),
    Forget(),
    Ping(),
    Loading("packing weights", 3, 36, "layers"),
    Ready(scripted_info(), Tokenizer(300, "YQ== 97", "", (AddedToken(299, "<|é|>", *[True] * 5),), False)),
    Unusable("not_found", "there is no folder /modèle\udcff."),
    Stepped("a", 0, Step(_FIRST, (_FIRST, _IMPOSSIBLE), 2.5)),
    Ended("a", "length"),
    Rejected("a", "ValueError: the model's logits are not finite"),
    Similar("lookup 1", (Alike(1, 0.75), Alike(2, 0.5))),
    Similar("lookup 1", None),
    Pong(),
    Capacity(2, 1, 16, "0123456789ab"),
)
_BODIES = tuple(encode(message)[HEADER.size :] for message in WHOLE)

_NUMBERS = (-1, 0, 0.5, 1e300, -0.0, math.nan, math.inf, 2**31, 2**64, -(2**200), 10**400)
_ODD: tuple[Any, ...] = (
    *_NUMBERS,
    None,
    True,
    "",
    "1",
    "Abort",
    "\udc80",
    "\x00",
    [],
    {},
    [[]],
    {"type": "Ping"},
)
_ROGUE = (b"\x00", b"\xff", b"\xed\xa0\x80", b'"', b"\\", b"\\ud800", b"{", b"}", b",", b"NaN", b"1e999")


def damaged(random: Random) -> bytes:
    """Return a frame's body with some damage; now and then it is still a message."""
    damage: Callable[[Random, bytes], bytes] = random.choice((_cut, _spoilt, _spoilt, _changed, _changed))
    if random.random() < 0.001:
        damage = _deep
    return damage(random, random.choice(_BODIES))


def _cut(random: Random, body: bytes) -> bytes:
    """The body without its end, or without something in the middle."""
    start = random.randrange(len(body))
    return body[:start] + body[random.randint(start + 1, len(body)) :] * random.randrange(2)


def _spoilt(random: Random, body: bytes) -> bytes:
    """The body with stray bytes, in place of others or between them."""
    for _ in range(random.randint(1, 3)):
        at = random.randrange(len(body))
        rogue = random.choice(_ROGUE) if random.random() < 0.5 else random.randbytes(1)
        body = body[:at] + rogue + body[at + random.randrange(2) :]
    return body


def _changed(random: Random, body: bytes) -> bytes:
    """Valid JSON with a field missing, added or changed."""
    value: dict[str, Any] = json.loads(body)
    holder = random.choice([part for part in _parts(value) if part])
    key = random.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    change = random.randrange(3)
    if change == 0:
        del holder[key]
    elif change == 1 and isinstance(holder, dict):
        holder[random.choice(("extra", "", "request_id", "seed"))] = random.choice(_ODD)
    else:
        holder[key] = random.choice(_ODD)
    return json.dumps(value).encode()


def _deep(random: Random, body: bytes) -> bytes:
    """The body with nesting deeper, or a number longer, than Python can parse."""
    rogue = random.choice((b"[" * 100_000, b'{"step":' * 50_000, b"9" * 10_000))
    return body.replace(b":", b":" + rogue, 1)


def _parts(value: Any) -> Iterator[Any]:
    """All objects and arrays in a JSON value."""
    if isinstance(value, (dict, list)):
        yield value
        for part in value.values() if isinstance(value, dict) else value:
            yield from _parts(part)
