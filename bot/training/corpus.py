"""A text of many books as two streams of token ids, one to train on and one held out.

The text has one paragraph a line; a line ``<|endoftext|>`` separates books.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tiktoken
import torch
from torch import Tensor

END_OF_TEXT = "<|endoftext|>"
HELD_OUT_SHARE = 0.04  # of the paragraphs of every book


class UnusableText(Exception):
    """The text to train on is missing, empty or too short; the message says which."""


@dataclass(frozen=True)
class Corpus:
    """Both streams are int64 [tokens] of GPT-2 token ids, books end with ``<|endoftext|>``."""

    train: Tensor
    held_out: Tensor


def read_books(path: Path) -> list[list[str]]:
    """The paragraphs of every book in the file; raises ``UnusableText``."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UnusableText(f"The text {path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UnusableText(f"The text {path} is not UTF-8.") from error
    books = [[line for line in book.splitlines() if line.strip()] for book in text.split(END_OF_TEXT)]
    books = [book for book in books if book]
    if not books:
        raise UnusableText(f"The text {path} has no paragraphs to train on.")
    return books


def split_books(books: list[list[str]], encoding: tiktoken.Encoding, held_out_share: float) -> Corpus:
    """Hold out the last paragraphs of every book, at least one; raises ``UnusableText``.

    The end of a book is held out, not paragraphs drawn from all over it, so that
    no scored sentence stands between two that were trained on.
    """
    train: list[int] = []
    held_out: list[int] = []
    for book in books:
        first_held_out = len(book) - max(1, round(len(book) * held_out_share))
        train += _encode(book[:first_held_out], encoding)
        held_out += _encode(book[first_held_out:], encoding)
    if not train:
        raise UnusableText("The text is too short: every book needs at least two paragraphs.")
    return Corpus(torch.tensor(train), torch.tensor(held_out))


def _encode(paragraphs: list[str], encoding: tiktoken.Encoding) -> list[int]:
    if not paragraphs:
        return []
    text = "".join(paragraph + "\n" for paragraph in paragraphs)
    return [*encoding.encode_ordinary(text), encoding.eot_token]


class CompactVocabulary:
    """The ids a text uses, renumbered 0 … used-1, and one id more for all the others.

    The ids that never occur share one row of the embedding table. With
    ``log(unused)`` added to its logit, a softmax over the compact ids is exactly
    the softmax over the whole vocabulary in which every unused id has that row.
    """

    def __init__(self, stream: Tensor, vocabulary_size: int) -> None:
        counts = torch.bincount(stream, minlength=vocabulary_size)
        self.vocabulary_size = vocabulary_size
        self.used_ids = counts.nonzero().squeeze(1)
        self.shared_id = len(self.used_ids)
        self.size = len(self.used_ids) + 1
        self.counts = torch.cat([counts[self.used_ids], torch.zeros(1, dtype=torch.int64)])
        self.unused = vocabulary_size - len(self.used_ids)
        if self.unused == 0:
            raise UnusableText("The text uses every id of the vocabulary: no row is left to share.")
        self._compact = torch.full((vocabulary_size,), self.shared_id)
        self._compact[self.used_ids] = torch.arange(self.shared_id)

    def encode(self, ids: Tensor) -> Tensor:
        """GPT-2 ids → compact ids, any shape."""
        return self._compact[ids]

    def rows(self) -> Tensor:
        """int64 [vocabulary size]: the compact row that each GPT-2 id has."""
        return self._compact
