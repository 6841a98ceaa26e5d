"""Tokens, and the fewest neighbours among them that hold whole characters. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import regex

from bot.text.escaping import visible

# Shown for an id without a token, though the model has a row for it. No token looks like
# this: spaces are drawn as signs.
NOTHING = "no token"

_GRAPHEME = regex.compile(r"\X")


@dataclass(frozen=True, slots=True)
class Token:
    """``data`` is what the id stands for; it may be a part of a character."""

    id: int
    data: bytes

    @property
    def visible(self) -> str:
        """The token for the eye: ``␣will``, or ``\\xF0\\x9F`` for part of a character."""
        return visible(lossless(self.data)) or NOTHING

    @property
    def is_whole(self) -> bool:
        """Whether its bytes are characters, all of them."""
        return is_whole(lossless(self.data))


@dataclass(frozen=True, slots=True)
class Piece:
    """The fewest neighbouring tokens that hold whole characters."""

    tokens: tuple[Token, ...]

    @property
    def text(self) -> str:
        """The piece's characters; bytes that are none are lone surrogates."""
        return lossless(b"".join(token.data for token in self.tokens))

    @property
    def visible(self) -> str:
        return visible(self.text) or NOTHING


@dataclass(frozen=True, slots=True)
class Tokenized:
    """A text cut into tokens; ``encoding`` is the encoding's own name.

    ``vocabulary`` is how many ids it has, if it is the loaded model's and not a shipped one.
    """

    encoding: str
    pieces: tuple[Piece, ...]
    vocabulary: int | None = None

    @property
    def tokens(self) -> tuple[Token, ...]:
        return tuple(token for piece in self.pieces for token in piece.tokens)


def is_whole(text: str) -> bool:
    """Whether all bytes of a decoded ``text`` were characters."""
    return not any("\udc80" <= character <= "\udcff" for character in text)


def group(tokens: Sequence[Token]) -> tuple[Piece, ...]:
    """Tokens as pieces that begin and end where characters (graphemes) do."""
    ends = _grapheme_ends(b"".join(token.data for token in tokens))
    pieces: list[Piece] = []
    open_tokens: list[Token] = []
    offset = 0
    for token in tokens:
        open_tokens.append(token)
        offset += len(token.data)
        # An id without a token is a piece of its own, unless it is within a character.
        if offset in ends or (len(open_tokens) == 1 and not token.data):
            pieces.append(Piece(tuple(open_tokens)))
            open_tokens = []
    return tuple(pieces)


def _grapheme_ends(data: bytes) -> frozenset[int]:
    """The offsets in bytes at which a grapheme of ``data`` ends."""
    ends: set[int] = set()
    offset = 0
    for grapheme in _GRAPHEME.findall(lossless(data)):
        offset += len(grapheme.encode("utf-8", errors="surrogateescape"))
        ends.add(offset)
    return frozenset(ends)


def lossless(data: bytes) -> str:
    return data.decode("utf-8", errors="surrogateescape")
