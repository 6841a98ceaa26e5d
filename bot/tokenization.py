"""Text ↔ token ids, under the encodings of OpenAI's models. Knows no model.

The byte-pair ranks are shipped with the project; tiktoken finds them through
its own cache folder and checks their SHA-256, so nothing is fetched at run time.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import regex
import tiktoken
from tiktoken_ext import openai_public

from bot.derived_encodings import Encoding, o200k_harmony, p50k_base, p50k_edit
from bot.encoding_names import ALIKE, ENCODINGS, resolved
from bot.errors import InvalidTokenId
from bot.numbers import whole_number
from bot.pasted_ids import words
from bot.text import visible
from bot.vocabulary import Vocabulary

RANKS = Path(__file__).parent / "data" / "encodings"
_COMPARED = ("gpt2", "cl100k_base", "o200k_base")
_EXTENDED = {"p50k_edit": p50k_edit, "o200k_harmony": o200k_harmony}

_GRAPHEME = regex.compile(r"\X")


@dataclass(frozen=True, slots=True)
class Token:
    """``data`` is what the id stands for; it may be a part of a character."""

    id: int
    data: bytes

    @property
    def visible(self) -> str:
        """The token for the eye: ``␣will``, or ``\\xF0\\x9F`` for part of a character."""
        return visible(_lossless(self.data))

    @property
    def is_whole(self) -> bool:
        """Whether its bytes are characters, all of them."""
        return is_whole(_lossless(self.data))


@dataclass(frozen=True, slots=True)
class Piece:
    """The fewest neighbouring tokens that hold whole characters."""

    tokens: tuple[Token, ...]

    @property
    def text(self) -> str:
        """The piece's characters; bytes that are none are lone surrogates."""
        return _lossless(b"".join(token.data for token in self.tokens))

    @property
    def visible(self) -> str:
        return visible(self.text)


@dataclass(frozen=True, slots=True)
class Tokenized:
    """A text cut into tokens; ``encoding`` is the encoding's own name."""

    encoding: str
    pieces: tuple[Piece, ...]

    @property
    def tokens(self) -> tuple[Token, ...]:
        return tuple(token for piece in self.pieces for token in piece.tokens)


class Encodings:
    """The shipped encodings, each read when first asked for, or all by ``load``.

    Reading takes up to a second, in which tiktoken lets no other thread run, so
    a bot loads before it serves. Safe to share between threads.
    """

    def __init__(self) -> None:
        self._loaded: dict[str, Encoding] = {}
        self._lock = threading.Lock()
        self._vocabulary: Vocabulary | None = None
        self._vocabulary_lock = threading.Lock()

    def load(self) -> None:
        """Read all that is read from files, and what is made of it: nobody then waits for that."""
        for name in ENCODINGS:
            self._get(name)
        self.vocabulary()

    def resolve(self, name: str) -> str:
        """The encoding's name for an encoding or a model; UnknownEncoding otherwise."""
        return resolved(name)

    def encode(self, text: str, encoding: str = "gpt2") -> tuple[int, ...]:
        """The ids of ``text``. Special tokens' names are plain text here."""
        return tuple(self._get(encoding).encode(text, disallowed_special=()))

    def decode(self, ids: Sequence[int], encoding: str = "gpt2") -> str:
        """The text of valid ``ids``; bytes that are no character become lone surrogates,
        which :mod:`bot.text` shows as the bytes they are."""
        return _lossless(self.bytes_of(ids, encoding))

    def bytes_of(self, ids: Sequence[int], encoding: str = "gpt2") -> bytes:
        return self._get(encoding).decode_bytes(ids)

    def cut(self, text: str, encoding: str) -> Tokenized:
        return self.pieces(self.encode(text, encoding), encoding)

    def pieces(self, ids: Iterable[int], encoding: str) -> Tokenized:
        """Valid ``ids`` as tokens, grouped so that no character is torn."""
        return Tokenized(encoding, group(tuple(self.token(id_, encoding) for id_ in ids)))

    def token(self, token_id: int, encoding: str = "gpt2") -> Token:
        return Token(token_id, self._get(encoding).decode_single_token_bytes(token_id))

    def vocabulary(self) -> Vocabulary:
        """GPT-2's tokens, to be searched; made once, which takes some 200 ms."""
        with self._vocabulary_lock:
            if self._vocabulary is None:
                tokens = map(self.token, range(self._get("gpt2").n_vocab))
                self._vocabulary = Vocabulary(token.visible for token in tokens)
            return self._vocabulary

    def counts(self, text: str, encoding: str = "gpt2") -> dict[str, int]:
        """How many tokens ``text`` is under the encodings of well-known models, and under this one."""
        own = ALIKE.get(encoding, encoding)
        return {name: len(self.encode(text, name)) for name in ENCODINGS if name in (*_COMPARED, own)}

    def parse_ids(self, text: str, encoding: str) -> tuple[int, ...]:
        """The ids in "40313, 481" or "tensor([[40313, 481]])"; InvalidTokenId for the first that is none."""
        known = self._get(encoding)
        ids: list[int] = []
        for word in words(text):
            number = whole_number(word, highest=known.n_vocab - 1)
            if number is None or not _has(known, number):
                raise InvalidTokenId(word, encoding=encoding, vocabulary=known.n_vocab, number=number)
            ids.append(number)
        return tuple(ids)

    def _get(self, name: str) -> Encoding:
        with self._lock:
            return self._read(name)

    def _read(self, name: str) -> Encoding:
        if name not in self._loaded:
            extended = _EXTENDED.get(name)
            read = _load(name) if extended is None else extended(self._read(ALIKE[name]))
            self._loaded[name] = read
        return self._loaded[name]


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
        if offset in ends:
            pieces.append(Piece(tuple(open_tokens)))
            open_tokens = []
    return tuple(pieces)


def _grapheme_ends(data: bytes) -> frozenset[int]:
    """The offsets in bytes at which a grapheme of ``data`` ends."""
    ends: set[int] = set()
    offset = 0
    for grapheme in _GRAPHEME.findall(_lossless(data)):
        offset += len(grapheme.encode("utf-8", errors="surrogateescape"))
        ends.add(offset)
    return frozenset(ends)


def _lossless(data: bytes) -> str:
    return data.decode("utf-8", errors="surrogateescape")


def _has(encoding: Encoding, token_id: int) -> bool:
    """Ids have gaps, before those of special tokens."""
    try:
        encoding.decode_single_token_bytes(token_id)
    except KeyError:
        return False
    return True


def _load(name: str) -> tiktoken.Encoding:
    # tiktoken takes its cache folder from the environment and from nowhere else.
    os.environ["TIKTOKEN_CACHE_DIR"] = str(RANKS)
    if name == "gpt2":
        # GPT-2's own files hold the same ranks as r50k_base's in another form.
        return tiktoken.Encoding(**{**openai_public.r50k_base(), "name": "gpt2"})
    if name == "p50k_base":
        return p50k_base()
    return tiktoken.get_encoding(name)
