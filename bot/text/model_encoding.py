"""Text ↔ token ids by the loaded model's own tokenizer, where it is not GPT-2's."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterable, Iterator, Sequence

import tiktoken
from tiktoken_ext.openai_public import r50k_pat_str

from bot.model.model_info import AddedToken, Tokenizer


class ModelEncoding:
    """The counterpart of :class:`tiktoken.Encoding` for the loaded model's tokenizer.

    An id without a token has no bytes. Special tokens are recognized by their names, except
    the end of text, whose name is plain text.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        merged = list(_tokens(tokenizer.merged))
        self._size = tokenizer.size
        self._ids = [id_ for _, id_ in merged]
        self._data = [b""] * tokenizer.size
        for data, id_ in (*merged, *_tokens(tokenizer.unmerged)):
            self._data[id_] = data
        self._pairs = tiktoken.Encoding(
            tokenizer.identity,
            pat_str=r50k_pat_str,
            mergeable_ranks={data: rank for rank, (data, _) in enumerate(merged)},
            special_tokens={},
        )
        self._searches = [
            _Search([token for token in tokenizer.added if token.first is first]) for first in (True, False)
        ]
        self._prefix_space = tokenizer.prefix_space
        words = {token.token_id for token in tokenizer.added if not token.special}
        self._special = {id_ for _, id_ in _tokens(tokenizer.unmerged)} - words

    @property
    def n_vocab(self) -> int:
        return self._size

    def encode(self, text: str, *, disallowed_special: tuple[()] = ()) -> list[int]:
        parts: list[str | int] = [text]
        for search in self._searches:
            parts = [piece for part in parts for piece in search.split(part)]
        return [id_ for part in parts for id_ in self._encoded(part)]

    def decode_bytes(self, tokens: Sequence[int]) -> bytes:
        return b"".join(map(self.decode_single_token_bytes, tokens))

    def decode_single_token_bytes(self, token: int) -> bytes:
        """The token's bytes, or KeyError if the model has no such id."""
        if not 0 <= token < self.n_vocab:
            raise KeyError(token)
        return self._data[token]

    def is_special_token(self, token: int) -> bool:
        return token in self._special

    def _encoded(self, part: str | int) -> Iterable[int]:
        if isinstance(part, int):
            return (part,)
        spaced = f" {part}" if self._prefix_space and part and not part.startswith(" ") else part
        return map(self._ids.__getitem__, self._pairs.encode_ordinary(spaced))


class _Search:
    """Finds added tokens in a text, the longest first where several match."""

    def __init__(self, tokens: Sequence[AddedToken]) -> None:
        self._tokens = {token.text: token for token in tokens if token.text}
        longest_first = sorted(self._tokens, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def split(self, part: str | int) -> Iterator[str | int]:
        """The text, with each token in it replaced by its id."""
        if self._pattern is None or isinstance(part, int):
            yield part
            return
        done = 0
        for found in self._pattern.finditer(part):
            token = self._tokens[found[0]]
            start, end = found.span()
            if token.whole_word and (_is_word(part[start - 1 : start]) or _is_word(part[end : end + 1])):
                continue
            if token.takes_left:
                start = max(done, len(part[:start].rstrip()))
            if token.takes_right:
                end = len(part) - len(part[end:].lstrip())
            if done < start:
                yield part[done:start]
            yield token.token_id
            done = end
        if done < len(part):
            yield part[done:]


def _is_word(sign: str) -> bool:
    return re.fullmatch(r"\w", sign) is not None


def _tokens(lines: str) -> Iterator[tuple[bytes, int]]:
    for line in lines.splitlines():
        data, id_ = line.split(" ")
        yield b64decode(data), int(id_)
