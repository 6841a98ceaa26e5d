"""A tokenizer is reproduced to the byte, or refused with its unsupported feature."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

from bot.model.checkpoint.byte_bpe import OtherTokenizer, described
from bot.model.checkpoint.tokenizer_files import GPT2_SIZE, brought
from bot.model.model_info import Tokenizer as Described
from tests.model.conftest import DEMO_MODEL
from tests.support.checkpoints import END, trained, write_tokenizer, write_vocabulary

Json = dict[str, Any]
GPT2 = json.loads((DEMO_MODEL / "tokenizer.json").read_text(encoding="utf-8"))


def json_of(tokenizer: Tokenizer, **parts: Any) -> Json:
    return {**json.loads(tokenizer.to_str()), **parts}


def model_with(**changes: Any) -> Json:
    data = json_of(trained())
    return {**data, "model": {**data["model"], **changes}}


def cut_by(step: Any) -> Json:
    tokenizer = trained()
    tokenizer.pre_tokenizer = step
    return json_of(tokenizer)


def changed_by(step: Any) -> Json:
    tokenizer = trained()
    tokenizer.normalizer = step
    return json_of(tokenizer)


def without_a_byte() -> Json:
    data = json_of(trained())
    del data["model"]["vocab"]["ÿ"]
    return data


def merged_in_another_order() -> Json:
    """ "abc" is merged of "ab" and "c", though "bc" comes before: by ranks alone it never would be."""
    data = json_of(trained())
    vocabulary = data["model"]["vocab"]
    for form in ("qzx", "zx", "qz"):
        vocabulary[form] = len(vocabulary)
    data["model"]["merges"] += [["z", "x"], ["q", "z"], ["qz", "x"]]
    return data


BYTES = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)

REFUSED: dict[str, tuple[Callable[[], Json], str]] = {
    "WordPiece": (
        lambda: json_of(Tokenizer(models.WordPiece({"a": 0}))),
        "is a WordPiece model",
    ),
    "Unigram": (lambda: json_of(Tokenizer(models.Unigram([("a", -1.0)]))), "is a Unigram model"),
    "WordLevel": (
        lambda: json_of(Tokenizer(models.WordLevel({"a": 0}))),
        "is a WordLevel model",
    ),
    "a normalizer": (lambda: changed_by(normalizers.NFC()), "changes a text before splitting it (NFC)"),
    "normalizers": (
        lambda: changed_by(normalizers.Sequence([normalizers.Lowercase()])),
        "changes a text before splitting it (Lowercase)",
    ),
    "dropout": (lambda: model_with(dropout=0.1), "skips merges at random (dropout)"),
    "a suffix": (lambda: model_with(end_of_word_suffix="</w>"), "marks the parts of a word"),
    "a prefix": (lambda: model_with(continuing_subword_prefix="##"), "marks the parts of a word"),
    "no words": (
        lambda: json_of(trained(), pre_tokenizer=None),
        "splits a text into words in another way than GPT-2's",
    ),
    "no regex": (lambda: cut_by(BYTES), "splits a text into words in another way than GPT-2's"),
    "white space": (
        lambda: cut_by(pre_tokenizers.Whitespace()),
        "splits a text into words in another way than GPT-2's",
    ),
    "digits": (
        lambda: cut_by(pre_tokenizers.Sequence([pre_tokenizers.Digits(), pre_tokenizers.ByteLevel()])),
        "splits a text into words in another way than GPT-2's",
    ),
    "another regex": (
        lambda: cut_by(pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(r"\p{L}+"), "isolated"), BYTES])),
        "splits a text into words in another way than GPT-2's",
    ),
    "no decoder": (
        lambda: json_of(trained(), decoder=None),
        "has a decoder that does not turn tokens into bytes",
    ),
    "a missing byte": (without_a_byte, "lacks tokens for 1 of the 256 bytes"),
    "a merge of nothing": (lambda: model_with(merges=[["x", "😀"]]), "merges tokens that it does not have"),
    "another order": (
        merged_in_another_order,
        "merges tokens in an order that depends on more than their ranks",
    ),
    "whole words": (
        lambda: {
            **(data := model_with(ignore_merges=True)),
            "model": {**data["model"], "vocab": {**data["model"]["vocab"], "zzyzx": 900}},
        },
        "has words that are not merged from two tokens",
    ),
    "one id twice": (
        lambda: {
            **(data := model_with()),
            "model": {**data["model"], "vocab": {**data["model"]["vocab"], "zzyzx": 7}},
        },
        "has two tokens with one id",
    ),
}


@pytest.mark.parametrize("why", REFUSED)
def test_an_unsupported_feature_is_named_in_the_refusal(why: str) -> None:
    make, said = REFUSED[why]
    with pytest.raises(OtherTokenizer) as caught:
        described(make(), 1_000)
    assert str(caught.value) == said


def test_a_model_with_fewer_rows_than_tokens_is_refused() -> None:
    with pytest.raises(OtherTokenizer, match="has a token 399, but the model ends at 199"):
        described(json_of(trained()), 200)


@pytest.mark.slow
def test_gpt2_s_tokenizer_is_recognized() -> None:
    assert described(GPT2, GPT2_SIZE) is None


@pytest.mark.slow
@pytest.mark.parametrize("size", [50_258, 50_304])
def test_gpt2_s_tokenizer_with_more_rows_is_another(size: int) -> None:
    tokenizer = described(GPT2, size)
    assert tokenizer is not None
    assert tokenizer.size == size
    assert tokenizer.unmerged == "PHxlbmRvZnRleHR8Pg== 50256\n"


@pytest.mark.slow
def test_added_tokens_without_a_row_are_ignored() -> None:
    tokenizer = Tokenizer.from_str(json.dumps(GPT2))
    tokenizer.add_special_tokens(["[PAD]"])
    assert described(json_of(tokenizer), GPT2_SIZE) is None
    extended = described(json_of(tokenizer), GPT2_SIZE + 1)
    assert extended is not None
    assert [(token.token_id, token.text) for token in extended.added] == [(50_257, "[PAD]")]


def test_an_identity_stands_for_one_way_of_splitting() -> None:
    tokenizers = [trained(), trained(size=350), trained(special=()), trained(add_prefix_space=True)]
    words = trained()
    words.add_tokens([AddedToken("casa", single_word=True)])
    seen = [described(json_of(one), 1_000) for one in (*tokenizers, words)]
    seen += [described(json_of(trained()), 999)]
    identities = {one.identity for one in seen if one}
    assert len(identities) == len(seen)
    again = described(json_of(trained()), 1_000)
    assert isinstance(again, Described)
    assert again.identity in identities


def gpt2_in(folder: Path) -> Path:
    return write_tokenizer(folder, Tokenizer.from_str(json.dumps(GPT2)))


@pytest.mark.slow
def test_gpt2_s_files_are_known_without_reading_more(tmp_path: Path) -> None:
    assert brought(DEMO_MODEL, GPT2_SIZE) == "gpt2"
    assert brought(gpt2_in(tmp_path / "a"), GPT2_SIZE) == "gpt2"
    assert (
        brought(write_vocabulary(tmp_path / "b", Tokenizer.from_str(json.dumps(GPT2))), GPT2_SIZE) == "gpt2"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "settings"),
    [
        ("tokenizer_config.json", {"add_prefix_space": True}),
        ("tokenizer_config.json", {"pad_token": "!"}),
        ("tokenizer_config.json", {"pad_token": {"content": "[PAD]"}}),
        ("tokenizer_config.json", {"added_tokens_decoder": {"50257": {"content": "<|user|>"}}}),
        ("tokenizer_config.json", {"extra_special_tokens": {"image": "<image>"}}),
        ("special_tokens_map.json", {"additional_special_tokens": ["<|user|>"]}),
        ("added_tokens.json", {"<|user|>": 50257}),
    ],
)
def test_files_next_to_gpt2_s_are_read(tmp_path: Path, file: str, settings: Json) -> None:
    (gpt2_in(tmp_path) / file).write_text(json.dumps(settings), encoding="utf-8")
    assert brought(tmp_path, GPT2_SIZE) == "own"


def test_settings_that_change_nothing_keep_it_gpt2_s(tmp_path: Path) -> None:
    settings = {
        "model_max_length": 1024,
        "add_bos_token": False,
        "eos_token": {"content": END},
        "pad_token": None,
    }
    (gpt2_in(tmp_path) / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    assert brought(tmp_path, GPT2_SIZE) == "gpt2"


def test_a_folder_without_a_tokenizer_may_use_gpt2_s(tmp_path: Path) -> None:
    assert brought(tmp_path, GPT2_SIZE) == "none"
    with pytest.raises(OtherTokenizer, match="is missing, and with 50,304 tokens it cannot be GPT-2's own"):
        brought(tmp_path, 50_304)
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer"}', encoding="utf-8")
    with pytest.raises(OtherTokenizer, match="is a BertTokenizer"):
        brought(tmp_path, GPT2_SIZE)


@pytest.mark.parametrize("file", ["vocab.txt", "vocab.json", "merges.txt", "spiece.model", "tokenizer.model"])
def test_a_folder_with_files_of_another_kind_is_refused(tmp_path: Path, file: str) -> None:
    (tmp_path / file).touch()
    with pytest.raises(OtherTokenizer, match=f"of its files there is {file}"):
        brought(tmp_path, GPT2_SIZE)
