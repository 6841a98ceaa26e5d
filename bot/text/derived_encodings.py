"""Encodings derived from others, so that their files need not be shipped.

p50k_base       r50k_base and 24 tokens of spaces, for code: byte for byte OpenAI's own file
p50k_edit       p50k_base and three special tokens
o200k_harmony   o200k_base and a thousand special tokens
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import tiktoken
from tiktoken_ext import openai_public

_MOST_SPACES = 25
_FIRST_SPACES = 50_257
_EDITING = {50_281: "fim_prefix", 50_282: "fim_middle", 50_283: "fim_suffix"}
_HARMONY = {token_id: f"reserved_{token_id}" for token_id in range(200_000, 201_088)} | {
    199_998: "startoftext",
    199_999: "endoftext",
    200_002: "return",
    200_003: "constrain",
    200_005: "channel",
    200_006: "start",
    200_007: "end",
    200_008: "message",
    200_012: "call",
}


class Encoding(Protocol):
    """The part of tiktoken's ``Encoding`` that is used."""

    @property
    def n_vocab(self) -> int: ...

    def encode(self, text: str, *, disallowed_special: tuple[()]) -> list[int]: ...

    def decode_bytes(self, tokens: Sequence[int]) -> bytes: ...

    def decode_single_token_bytes(self, token: int) -> bytes:
        """The token's bytes, or KeyError."""
        ...

    def is_special_token(self, token: int) -> bool: ...


@dataclass(frozen=True, slots=True)
class Extended:
    """``inner`` with more special tokens. Encoding never yields them: their names are plain text."""

    inner: Encoding
    special: Mapping[int, bytes]

    @property
    def n_vocab(self) -> int:
        return max(self.special) + 1

    def encode(self, text: str, *, disallowed_special: tuple[()]) -> list[int]:
        return self.inner.encode(text, disallowed_special=disallowed_special)

    def decode_single_token_bytes(self, token: int) -> bytes:
        name = self.special.get(token)
        return self.inner.decode_single_token_bytes(token) if name is None else name

    def decode_bytes(self, tokens: Sequence[int]) -> bytes:
        return b"".join(map(self.decode_single_token_bytes, tokens))

    def is_special_token(self, token: int) -> bool:
        return token in self.special or self.inner.is_special_token(token)


def spaces() -> dict[bytes, int]:
    """The tokens that p50k_base has on top of r50k_base."""
    return {b" " * count: _FIRST_SPACES + count - 2 for count in range(2, _MOST_SPACES + 1)}


def p50k_base() -> tiktoken.Encoding:
    r50k = openai_public.r50k_base()
    ranks = r50k["mergeable_ranks"] | spaces()
    return tiktoken.Encoding(
        "p50k_base",
        pat_str=r50k["pat_str"],
        mergeable_ranks=ranks,
        special_tokens=r50k["special_tokens"],
    )


def p50k_edit(p50k: Encoding) -> Encoding:
    return _extended(p50k, _EDITING)


def o200k_harmony(o200k: Encoding) -> Encoding:
    return _extended(o200k, _HARMONY)


def _extended(inner: Encoding, special: Mapping[int, str]) -> Encoding:
    return Extended(inner, {token: f"<|{name}|>".encode() for token, name in special.items()})
