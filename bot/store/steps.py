"""Steps ↔ bytes: about a hundred for each, where JSON takes several hundred.

A step is its entropy, the number of candidates, the chosen one and the
candidates; little-endian, floats with the 32 bits that the model computed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from bot.model.protocol import Candidate, Step

_HEAD = struct.Struct("<fI")
_CANDIDATE = struct.Struct("<IffI")


def packed(steps: Iterable[Step]) -> bytes:
    """The steps, one after another."""
    return b"".join(
        _HEAD.pack(step.entropy, len(step.candidates))
        + b"".join(
            _CANDIDATE.pack(candidate.token_id, candidate.logit, candidate.logprob, candidate.rank)
            for candidate in (step.chosen, *step.candidates)
        )
        for step in steps
    )


def unpacked(data: bytes) -> tuple[Step, ...]:
    """The steps in ``data``; struct.error if it was cut."""
    return tuple(_steps(data))


def _steps(data: bytes) -> Iterator[Step]:
    offset = 0
    while offset < len(data):
        entropy, count = _HEAD.unpack_from(data, offset)
        offset += _HEAD.size
        end = offset + (1 + count) * _CANDIDATE.size
        if end > len(data):
            raise struct.error("the last step is cut")
        chosen, *candidates = (Candidate(*fields) for fields in _CANDIDATE.iter_unpack(data[offset:end]))
        yield Step(chosen, tuple(candidates), entropy)
        offset = end
