"""Text ↔ token ids, under the encodings of OpenAI's models and under the loaded model's own.

The byte-pair ranks are shipped with the project; tiktoken finds them through
its own cache folder and checks their SHA-256, so nothing is fetched at run time.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import tiktoken
from tiktoken_ext import openai_public

from bot.errors import InvalidTokenId, OtherTokenizer, UnknownEncoding
from bot.model.protocol import GPT2_ENCODING, Tokenizer
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
    """The shipped encodings, each read when first asked for, or all by ``load``.

    Reading takes up to a second, in which tiktoken lets no other thread run, so
    a bot loads before it serves. Safe to share between threads. Beside them it has the
    loaded model's, if that is another one, by what a fingerprint calls it.
    """

    def __init__(self) -> None:
        # What texts are cut by where nothing else is said: the loaded model's encoding.
        self.usual = GPT2_ENCODING
        self._name = ""  # of the loaded model
        self._loaded: dict[str, Encoding] = {}
        self._lock = threading.Lock()
        self._vocabularies: dict[str, Vocabulary] = {}
        self._vocabulary_lock = threading.Lock()

    def load(self) -> None:
        """Read all that is read from files, and what is made of it: nobody then waits for that."""
        for name in ENCODINGS:
            self._get(name)
        self.vocabulary()

    def learn(self, tokenizer: Tokenizer | None, *, name: str) -> None:
        """Know the encoding of the model ``name``, which is loaded now; None is GPT-2's own."""
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
        """What people call an encoding: the loaded model's own by the name of the model."""
        return encoding if encoding in ENCODINGS else self._name

    def names(self, prefix: str = "") -> list[str]:
        """Every name that resolves and contains ``prefix``, the loaded model's first."""
        is_own = self.usual != GPT2_ENCODING and prefix.strip().lower() in self._name.lower()
        return [*([self._name] if is_own else []), *names(prefix)]

    def resolve(self, name: str) -> str:
        """The encoding for the name of an encoding or a model; UnknownEncoding otherwise."""
        try:
            return resolved(name)
        except UnknownEncoding:
            if name.strip().lower() == self._name.lower() != "":
                return self.usual
            raise

    def encode(self, text: str, encoding: str = "gpt2") -> tuple[int, ...]:
        """The ids of ``text``. Special tokens' names are plain text under shipped encodings."""
        return tuple(self._get(encoding).encode(text, disallowed_special=()))

    def decode(self, ids: Sequence[int], encoding: str = "gpt2") -> str:
        """The text of valid ``ids``; bytes that are no character become lone surrogates,
        which :mod:`bot.text.escaping` shows as the bytes they are."""
        return lossless(self.bytes_of(ids, encoding))

    def bytes_of(self, ids: Sequence[int], encoding: str = "gpt2") -> bytes:
        return self._get(encoding).decode_bytes(ids)

    def cut(self, text: str, encoding: str) -> Tokenized:
        return self.pieces(self.encode(text, encoding), encoding)

    def pieces(self, ids: Iterable[int], encoding: str) -> Tokenized:
        """Valid ``ids`` as tokens, grouped so that no character is torn."""
        size = None if encoding in ENCODINGS else self._get(encoding).n_vocab
        cut = group(tuple(self.token(id_, encoding) for id_ in ids))
        return Tokenized(self.called(encoding), cut, size)

    def token(self, token_id: int, encoding: str = "gpt2") -> Token:
        return Token(token_id, self._get(encoding).decode_single_token_bytes(token_id))

    def is_special(self, token_id: int, encoding: str = "gpt2") -> bool:
        """Whether a token is no piece of a text, such as the one that ends it."""
        return self._get(encoding).is_special_token(token_id)

    def vocabulary(self, encoding: str = "gpt2") -> Vocabulary:
        """An encoding's tokens, to be searched; made once, which takes some 200 ms."""
        with self._vocabulary_lock:
            if encoding not in self._vocabularies:
                tokens = (self.token(id_, encoding) for id_ in range(self._get(encoding).n_vocab))
                # No text finds an id without a token.
                forms = (token.visible if token.data else "" for token in tokens)
                self._vocabularies[encoding] = Vocabulary(forms)
            return self._vocabularies[encoding]

    def counts(self, text: str, encoding: str = "gpt2") -> dict[str, int]:
        """How many tokens ``text`` is under the encodings of well-known models, under the loaded
        model's and under this one, by what people call them."""
        wanted = {*_COMPARED, self.usual, ALIKE.get(encoding, encoding)}
        own = [] if self.usual in ENCODINGS else [self.usual]
        compared = (*own, *(name for name in ENCODINGS if name in wanted))
        return {self.called(name): len(self.encode(text, name)) for name in compared}

    def parse_ids(self, text: str, encoding: str) -> tuple[int, ...]:
        """The ids in "40313, 481" or "tensor([[40313, 481]])"; InvalidTokenId for the first that is none."""
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
        """OtherTokenizer for that of a model which is not loaded."""
        with self._lock:
            if name not in self._loaded and name not in ENCODINGS:
                raise OtherTokenizer
            return self._read(name)

    def _read(self, name: str) -> Encoding:
        if name not in self._loaded:
            extended = _EXTENDED.get(name)
            read = _load(name) if extended is None else extended(self._read(ALIKE[name]))
            self._loaded[name] = read
        return self._loaded[name]


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
