"""Tokens, and pieces: the smallest groups of neighbouring tokens that hold whole characters. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import regex

from bot.text.escaping import visible

# Shown for an id that has a row in the model but no token. No token looks like
# this, because spaces are drawn as signs.
NOTHING = "no token"

_GRAPHEME = regex.compile(r"\X")


@dataclass(frozen=True, slots=True)
class Token:
    """``data`` holds the bytes of the token, possibly only part of a character."""

    id: int
    data: bytes

    @property
    def visible(self) -> str:
        """The token as it is shown: ``␣will``, or ``\\xF0\\x9F`` for part of a character."""
        return visible(lossless(self.data)) or NOTHING

    @property
    def is_whole(self) -> bool:
        """Whether all its bytes form whole characters."""
        return is_whole(lossless(self.data))


@dataclass(frozen=True, slots=True)
class Piece:
    """The smallest group of neighbouring tokens that holds whole characters."""

    tokens: tuple[Token, ...]

    @property
    def text(self) -> str:
        """The piece's characters; undecodable bytes become lone surrogates."""
        return lossless(b"".join(token.data for token in self.tokens))

    @property
    def visible(self) -> str:
        return visible(self.text) or NOTHING


@dataclass(frozen=True, slots=True)
class Tokenized:
    """A text split into tokens by ``encoding``.

    ``vocabulary`` is the number of ids in the loaded model's own encoding; None for a shipped one.
    """

    encoding: str
    pieces: tuple[Piece, ...]
    vocabulary: int | None = None

    @property
    def tokens(self) -> tuple[Token, ...]:
        return tuple(token for piece in self.pieces for token in piece.tokens)


def is_whole(text: str) -> bool:
    """Whether ``text``, as :func:`lossless` decodes it, has no undecodable bytes."""
    return not any("\udc80" <= character <= "\udcff" for character in text)


def group(tokens: Sequence[Token]) -> tuple[Piece, ...]:
    """Group ``tokens`` into pieces that start and end on grapheme boundaries."""
    ends = _grapheme_ends(b"".join(token.data for token in tokens))
    pieces: list[Piece] = []
    open_tokens: list[Token] = []
    offset = 0
    for token in tokens:
        open_tokens.append(token)
        offset += len(token.data)
        # An id without a token is a piece of its own, unless it is inside a character.
        if offset in ends or (len(open_tokens) == 1 and not token.data):
            pieces.append(Piece(tuple(open_tokens)))
            open_tokens = []
    return tuple(pieces)


def _grapheme_ends(data: bytes) -> frozenset[int]:
    """The byte offsets at which the graphemes of ``data`` end."""
    ends: set[int] = set()
    offset = 0
    for grapheme in _GRAPHEME.findall(lossless(data)):
        offset += len(grapheme.encode("utf-8", errors="surrogateescape"))
        ends.add(offset)
    return frozenset(ends)


def lossless(data: bytes) -> str:
    """``data`` as UTF-8; undecodable bytes become lone surrogates."""
    return data.decode("utf-8", errors="surrogateescape")
