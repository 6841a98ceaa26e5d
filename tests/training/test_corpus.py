from pathlib import Path

import pytest
import torch

from bot.model.checkpoint import gpt2_tokenizer
from bot.training.corpus import CompactVocabulary, Corpus, UnusableText, read_books, split_books

ENCODING = gpt2_tokenizer.encoding()


def test_books_are_lists_of_paragraphs(tmp_path: Path) -> None:
    path = tmp_path / "books.txt"
    path.write_text("One.\n\nTwo.\n<|endoftext|>\nThree.\n<|endoftext|>\n", encoding="utf-8")
    assert read_books(path) == [["One.", "Two."], ["Three."]]


def test_a_missing_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnusableText, match=r"none\.txt cannot be read: No such file or directory\.$"):
        read_books(tmp_path / "none.txt")


@pytest.mark.parametrize("content", ["", "\n \n", "<|endoftext|>\n"])
def test_a_text_without_paragraphs_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "empty.txt"
    path.write_text(content)
    with pytest.raises(UnusableText, match=r"has no paragraphs to train on\.$"):
        read_books(path)


def test_a_text_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "latin.txt"
    path.write_bytes("café".encode("latin-1"))
    with pytest.raises(UnusableText, match=r"is not UTF-8\.$"):
        read_books(path)


def test_the_end_of_every_book_is_held_out() -> None:
    books = [[f"Line {n} of {book}." for n in range(10)] for book in ("one", "two")]
    corpus = split_books(books, ENCODING, 0.2)
    end = "<|endoftext|>"
    held_out = "Line 8 of one.\nLine 9 of one.\n" + end + "Line 8 of two.\nLine 9 of two.\n" + end
    assert ENCODING.decode(corpus.held_out.tolist()) == held_out
    assert ENCODING.decode(corpus.train.tolist()).count("Line") == 16


def test_books_of_one_paragraph_leave_nothing_to_train_on() -> None:
    with pytest.raises(UnusableText, match="too short"):
        split_books([["Only this."], ["And this."]], ENCODING, 0.04)


def test_used_ids_have_a_row_each_and_the_others_share_one(corpus: Corpus) -> None:
    vocabulary = CompactVocabulary(corpus.train, 50_257)
    compact = vocabulary.encode(corpus.train)
    assert torch.equal(vocabulary.used_ids[compact], corpus.train)
    assert vocabulary.size == len(set(corpus.train.tolist())) + 1
    assert vocabulary.unused == 50_257 - len(set(corpus.train.tolist()))
    never = torch.tensor([50_000, 123])
    assert vocabulary.encode(never).tolist() == [vocabulary.shared_id] * 2
    assert (vocabulary.rows() == vocabulary.shared_id).sum() == vocabulary.unused
    assert vocabulary.counts.sum() == len(corpus.train)
    assert vocabulary.counts[vocabulary.shared_id] == 0
