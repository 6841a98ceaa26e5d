import hashlib
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from bot.model.checkpoint import gpt2_tokenizer
from bot.model.checkpoint.gpt2_tokenizer import END_OF_TEXT, Merge

# As tiktoken_ext.openai_public.gpt2 lists them.
ENCODER_JSON = "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783"
VOCAB_BPE = "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5"

ENCODING = gpt2_tokenizer.encoding()


@pytest.fixture(scope="module")
def ranks() -> dict[bytes, int]:
    return gpt2_tokenizer.read_ranks()


@pytest.fixture(scope="module")
def merges(ranks: dict[bytes, int]) -> list[Merge]:
    return gpt2_tokenizer.recover_merges(ranks)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tokenizer") / "not there yet"
    gpt2_tokenizer.write(folder, context=256)
    return folder


@pytest.fixture(scope="module")
def tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    loaded: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder)
    return loaded


def test_encoder_json_is_the_published_file(ranks: dict[bytes, int]) -> None:
    assert hashlib.sha256(gpt2_tokenizer.encoder_json(ranks)).hexdigest() == ENCODER_JSON


def test_vocab_bpe_is_the_published_file(merges: list[Merge]) -> None:
    assert hashlib.sha256(gpt2_tokenizer.vocab_bpe(merges)).hexdigest() == VOCAB_BPE


def test_every_byte_has_its_own_letter() -> None:
    letters = [gpt2_tokenizer.spell(bytes([byte])) for byte in range(256)]
    assert len(set(letters)) == 256
    assert all(letter.isprintable() and not letter.isspace() for letter in letters)


def test_a_token_without_a_merge_is_named() -> None:
    with pytest.raises(ValueError, match=r"b'abc' of rank 3"):
        gpt2_tokenizer.recover_merges({b"a": 0, b"b": 1, b"c": 2, b"abc": 3})


def test_the_pair_is_what_the_earlier_ranks_make() -> None:
    ranks = {b"a": 0, b"b": 1, b"c": 2, b"bc": 3, b"ab": 4, b"abc": 5}
    assert gpt2_tokenizer.recover_merges(ranks) == [(b"b", b"c"), (b"a", b"b"), (b"a", b"bc")]


@given(st.text())
@example("")
@example("  two  spaces\t\r\n\n ")
@example("I'll he'S they'VE don't")
@example("naïve café ½ Ⅷ 東京 한국어 🤷🏽‍♀️ e\u0301 \u200b\u00a0\u2028")
@example("\0\x7f\x80\ufeff\U0010ffff")
def test_it_splits_like_tiktoken(tokenizer: PreTrainedTokenizerBase, text: str) -> None:
    ids = ENCODING.encode(text, allowed_special="all")
    assert tokenizer(text)["input_ids"] == ids
    assert tokenizer.decode(ids) == text


def test_end_of_text_is_the_one_special_token(tokenizer: PreTrainedTokenizerBase) -> None:
    assert tokenizer(f"x{END_OF_TEXT} y")["input_ids"] == [87, 50256, 331]
    assert tokenizer.all_special_tokens == [END_OF_TEXT]
    assert {tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.unk_token_id} == {50256}
    assert len(tokenizer) == 50257


def test_it_knows_the_model_s_context(tokenizer: PreTrainedTokenizerBase) -> None:
    assert tokenizer.model_max_length == 256
