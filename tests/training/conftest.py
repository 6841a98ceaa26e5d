"""A tiny text and a tiny network: everything here trains in a second or two."""

from pathlib import Path

import pytest
import torch
from transformers import GPT2Model

from bot.model.checkpoint import gpt2_tokenizer
from bot.training.corpus import CompactVocabulary, Corpus, read_books, split_books
from bot.training.network import network as random_network

SENTENCES = [
    "The old man sat by the fire and said nothing at all.",
    "She looked at the door, and the door was shut.",
    '"My dear," said the lady, "the night is dark and the road is long."',
    "In the morning the sun rose over the hills, and the birds sang.",
]


@pytest.fixture(scope="session")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two books of 60 paragraphs each; every tenth has a word of its own."""
    paragraphs = [SENTENCES[n % 4] + (f" Number {n * 37}." if n % 10 == 0 else "") for n in range(120)]
    books = "\n".join(paragraphs[:60]), "\n".join(paragraphs[60:])
    path = tmp_path_factory.mktemp("text") / "books.txt"
    path.write_text("\n<|endoftext|>\n".join(books) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def corpus(text: Path) -> Corpus:
    return split_books(read_books(text), gpt2_tokenizer.encoding(), 0.1)


@pytest.fixture(scope="session")
def vocabulary(corpus: Corpus) -> CompactVocabulary:
    return CompactVocabulary(corpus.train, 50_257)


@pytest.fixture
def network(vocabulary: CompactVocabulary) -> GPT2Model:
    torch.manual_seed(0)
    return random_network(vocabulary.size, width=32, layers=2, heads=2, context=32, dropout=0.0)
