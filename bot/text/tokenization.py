"""Text ↔ token ids, under the encodings of OpenAI's models and the loaded model's own.

The byte-pair ranks are shipped with the project; tiktoken finds them through its cache
folder and checks their SHA-256, so nothing is downloaded.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import tiktoken
from tiktoken_ext import openai_public

from bot.errors import InvalidTokenId, TokenizerMismatch, UnknownEncoding
from bot.model.model_info import GPT2_ENCODING, Tokenizer
from bot.text.derived_encodings import Encoding, o200k_harmony, p50k_base, p50k_edit
from bot.text.encoding_names import ALIKE, ENCODINGS, names, resolved
from bot.text.model_encoding import ModelEncoding
from bot.text.numbers import pasted_ids, whole_number
from bot.text.pieces import Token, Tokenized, group, lossless
from bot.text.vocabulary import Vocabulary

RANKS = Path(__file__).parents[1] / "data" / "encodings"
_COMPARED = ("gpt2", "cl100k_base", "o200k_base")
_EXTENDED = {"p50k_edit": p50k_edit, "o200k_harmony": o200k_harmony}


class Encodings:
    """The shipped encodings, and the loaded model's if it has its own.

    Each is read on first use, or all by :meth:`load`. Reading takes up to a second, during
    which tiktoken blocks every other thread, so a bot loads before it serves. Safe to share
    between threads.
    """

    def __init__(self) -> None:
        # The default: the loaded model's encoding.
        self.usual = GPT2_ENCODING
        self._name = ""  # of the loaded model
        self._loaded: dict[str, Encoding] = {}
        self._lock = threading.Lock()
        self._vocabularies: dict[str, Vocabulary] = {}
        self._vocabulary_lock = threading.Lock()

    def load(self) -> None:
        """Read everything from files now, so that no later call waits for it."""
        for name in ENCODINGS:
            self._get(name)
        self.vocabulary()

    def learn(self, tokenizer: Tokenizer | None, *, name: str) -> None:
        """Take on the encoding of the model ``name``, now loaded; None stands for GPT-2's own."""
        encoding = GPT2_ENCODING
        if tokenizer is not None:
            encoding = tokenizer.identity
            known = ModelEncoding(tokenizer)
            with self._lock:
                self._loaded[encoding] = known
            self.vocabulary(encoding)
            with suppress(UnknownEncoding):
                resolved(name)
                name += " (loaded)"
        self.usual, self._name = encoding, name

    def called(self, encoding: str) -> str:
        """The name people know an encoding by; the loaded model's own goes by the model's name."""
        return encoding if encoding in ENCODINGS else self._name

    def names(self, prefix: str = "") -> list[str]:
        """Every known name that contains ``prefix``, the loaded model's first."""
        is_own = self.usual != GPT2_ENCODING and prefix.strip().lower() in self._name.lower()
        return [*([self._name] if is_own else []), *names(prefix)]

    def resolve(self, name: str) -> str:
        """The encoding that an encoding's or a model's name stands for, or UnknownEncoding."""
        try:
            return resolved(name)
        except UnknownEncoding:
            if name.strip().lower() == self._name.lower() != "":
                return self.usual
            raise

    def resolve_or_usual(self, name: str | None) -> str:
        """The encoding that ``name`` stands for; the loaded model's for None."""
        return self.usual if name is None else self.resolve(name)

    def encode(self, text: str, encoding: str = "gpt2") -> tuple[int, ...]:
        """The ids of ``text``. Special tokens' names are plain text under shipped encodings."""
        return tuple(self._get(encoding).encode(text, disallowed_special=()))

    def decode(self, ids: Sequence[int], encoding: str = "gpt2") -> str:
        """The text of valid ``ids``.

        Undecodable bytes become lone surrogates, which :mod:`bot.text.escaping` shows as bytes.
        """
        return lossless(self.bytes_of(ids, encoding))

    def bytes_of(self, ids: Sequence[int], encoding: str = "gpt2") -> bytes:
        return self._get(encoding).decode_bytes(ids)

    def cut(self, text: str, encoding: str) -> Tokenized:
        return self.pieces(self.encode(text, encoding), encoding)

    def pieces(self, ids: Iterable[int], encoding: str) -> Tokenized:
        """Valid ``ids`` as tokens, grouped so that no character is split."""
        size = None if encoding in ENCODINGS else self._get(encoding).n_vocab
        cut = group(tuple(self.token(id_, encoding) for id_ in ids))
        return Tokenized(self.called(encoding), cut, size)

    def token(self, token_id: int, encoding: str = "gpt2") -> Token:
        return Token(token_id, self._get(encoding).decode_single_token_bytes(token_id))

    def is_special(self, token_id: int, encoding: str = "gpt2") -> bool:
        """Whether a token is not text, such as the one that ends a text."""
        return self._get(encoding).is_special_token(token_id)

    def vocabulary(self, encoding: str = "gpt2") -> Vocabulary:
        """An encoding's tokens, searchable; built once, in some 200 ms."""
        with self._vocabulary_lock:
            if encoding not in self._vocabularies:
                tokens = (self.token(id_, encoding) for id_ in range(self._get(encoding).n_vocab))
                # An id without a token matches no search.
                forms = (token.visible if token.data else "" for token in tokens)
                self._vocabularies[encoding] = Vocabulary(forms)
            return self._vocabularies[encoding]

    def counts(self, text: str, encoding: str = "gpt2") -> dict[str, int]:
        """The number of tokens in ``text`` by encoding, under the names people know.

        The encodings are those of well-known models, the loaded model's, and this one.
        """
        wanted = {*_COMPARED, self.usual, ALIKE.get(encoding, encoding)}
        own = [] if self.usual in ENCODINGS else [self.usual]
        compared = (*own, *(name for name in ENCODINGS if name in wanted))
        return {self.called(name): len(self.encode(text, name)) for name in compared}

    def parse_ids(self, text: str, encoding: str) -> tuple[int, ...]:
        """The ids in "40313, 481" or "tensor([[40313, 481]])"; InvalidTokenId for the first bad one."""
        known = self._get(encoding)
        ids: list[int] = []
        for word in pasted_ids(text):
            number = whole_number(word, highest=known.n_vocab - 1)
            if number is None or not _has(known, number):
                name, size = self.called(encoding), known.n_vocab
                raise InvalidTokenId(word, encoding=name, vocabulary=size, number=number)
            ids.append(number)
        return tuple(ids)

    def _get(self, name: str) -> Encoding:
        """The encoding, or TokenizerMismatch if it belongs to a model that is not loaded."""
        with self._lock:
            if name not in self._loaded and name not in ENCODINGS:
                raise TokenizerMismatch
            return self._read(name)

    def _read(self, name: str) -> Encoding:
        if name not in self._loaded:
            extended = _EXTENDED.get(name)
            read = _load(name) if extended is None else extended(self._read(ALIKE[name]))
            self._loaded[name] = read
        return self._loaded[name]


def _has(encoding: Encoding, token_id: int) -> bool:
    """Whether the id has a token: there are gaps before the special ones."""
    try:
        encoding.decode_single_token_bytes(token_id)
    except KeyError:
        return False
    return True


def _load(name: str) -> tiktoken.Encoding:
    # tiktoken reads its cache folder from the environment and nowhere else.
    os.environ["TIKTOKEN_CACHE_DIR"] = str(RANKS)
    if name == "gpt2":
        # GPT-2's files hold the same ranks as r50k_base's, in another form.
        return tiktoken.Encoding(**{**openai_public.r50k_base(), "name": "gpt2"})
    if name == "p50k_base":
        return p50k_base()
    return tiktoken.get_encoding(name)
