"""A model's own tokenizer splits every text in the bot as in transformers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, pre_tokenizers
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from bot.model.checkpoint.tokenizer_files import own
from bot.text.model_encoding import ModelEncoding
from tests.support.checkpoints import (
    CHINESE,
    END,
    SPANISH,
    chatting,
    trained,
    write_model,
    write_tokenizer,
    write_vocabulary,
)

SIZE = 1_000

# Tokenizers by how they differ from GPT-2's.
MADE: dict[str, Callable[[Path], Path]] = {
    "spanish": lambda folder: write_tokenizer(folder, trained(SPANISH)),
    "chinese": lambda folder: write_tokenizer(folder, trained(CHINESE)),
    "end last": lambda folder: write_tokenizer(folder, _with_end_last()),
    "other specials": lambda folder: write_tokenizer(folder, trained(special=("<s>", "<pad>", "</s>"))),
    "two files": lambda folder: write_vocabulary(folder, trained()),
    "chat": lambda folder: write_tokenizer(folder, chatting(trained())),
    "chat, plain class": lambda folder: write_tokenizer(
        folder, chatting(trained()), tokenizer_class="PreTrainedTokenizerFast"
    ),
    "named in settings": lambda folder: write_tokenizer(
        folder, trained(), additional_special_tokens=["[PAD]"]
    ),
    "named beside": lambda folder: _beside(
        write_tokenizer(folder, trained()), "special_tokens_map.json", {"pad_token": "[PAD]"}
    ),
    "two files and a list": lambda folder: _beside(
        _beside(write_vocabulary(folder, trained()), "added_tokens.json", {"niño": 401, "<|user|>": 400}),
        "special_tokens_map.json",
        {"additional_special_tokens": ["<|user|>"]},
    ),
    "named in both": lambda folder: _beside(
        _beside(
            write_tokenizer(folder, trained()),
            "tokenizer_config.json",
            {"pad_token": "[PAD]", "sep_token": "sol"},
        ),
        "special_tokens_map.json",
        {"sep_token": {"content": "<mask>", "lstrip": True, "rstrip": False}},
    ),
    "listed in both": lambda folder: _beside(
        write_tokenizer(folder, chatting(trained())), "added_tokens.json", {"niño": 402, "[PAD]": 410}
    ),
    "two files and more": lambda folder: _beside(
        _beside(write_vocabulary(folder, trained()), "added_tokens.json", {"<|user|>": 400, "niño": 401}),
        "tokenizer_config.json",
        {
            "added_tokens_decoder": {
                "400": {"content": "<|user|>", "special": True, "normalized": False},
                "401": {"content": "niño", "lstrip": True, "special": False},
            },
            "eos_token": "</s>",
            "pad_token": {"content": "[PAD]", "__type": "AddedToken", "rstrip": True},
        },
    ),
    "prefix in settings": lambda folder: write_tokenizer(folder, chatting(trained()), add_prefix_space=True),
    "prefix in file": lambda folder: write_tokenizer(
        folder, trained(add_prefix_space=True), tokenizer_class="PreTrainedTokenizerFast"
    ),
    "prefix in file that counts for nothing": lambda folder: write_tokenizer(
        folder, trained(add_prefix_space=True)
    ),
    "shuffled ids": lambda folder: write_tokenizer(folder, _shuffled(trained())),
    "words that nothing is merged to": lambda folder: write_tokenizer(folder, _with_words(trained())),
    "split": lambda folder: write_tokenizer(folder, _split(trained()), tokenizer_class="TokenizersBackend"),
}
# What people type, and texts that could be split in more than one way.
NAMES = ("<|user|>", "<|user|>:", "<pad>", "<mask>", "niño", "sol", "ni", "[PAD]")
PARTS = (*NAMES, *"".join(SPANISH), *"".join(CHINESE), *SPANISH, *CHINESE, "  ", "\n", "'s", "é")
TEXTS = st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PARTS), max_size=30).map("".join))


def _beside(folder: Path, name: str, content: dict[str, Any]) -> Path:
    (folder / name).write_text(json.dumps(content), encoding="utf-8")
    return folder


def _edited(tokenizer: Tokenizer, edit: Callable[[dict[str, Any]], object]) -> Tokenizer:
    data = json.loads(tokenizer.to_str())
    edit(data)
    return Tokenizer.from_str(json.dumps(data))


def _with_end_last() -> Tokenizer:
    tokenizer = trained(special=())
    tokenizer.add_special_tokens([END])
    return tokenizer


def _shuffled(tokenizer: Tokenizer) -> Tokenizer:
    """Other ids for the same tokens, so that those of merges are in no order."""

    def edit(data: dict[str, Any]) -> None:
        vocabulary = data["model"]["vocab"]
        count = len(vocabulary)
        data["model"]["vocab"] = {form: (7 * id_ + 3) % count for form, id_ in vocabulary.items()}
        for token in data["added_tokens"]:
            token["id"] = (7 * token["id"] + 3) % count

    assert len(tokenizer.get_vocab()) % 7
    return _edited(tokenizer, edit)


def _with_words(tokenizer: Tokenizer) -> Tokenizer:
    """With tokens that no merge makes, one of them with characters that stand for no byte."""
    return _edited(
        tokenizer,
        lambda data: data["model"]["vocab"].update({"zzyzx": len(data["model"]["vocab"]), "猫": 900}),
    )


def _split(tokenizer: Tokenizer) -> Tokenizer:
    pattern = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    return tokenizer


@pytest.fixture(scope="module", params=MADE)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return MADE[request.param](write_model(tmp_path_factory.mktemp("model"), SIZE))


@pytest.fixture(scope="module")
def theirs(folder: Path) -> PreTrainedTokenizerBase:
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder)
    return tokenizer


@pytest.fixture(scope="module")
def ours(folder: Path) -> ModelEncoding:
    tokenizer = own(folder, SIZE)
    assert tokenizer is not None
    return ModelEncoding(tokenizer)


@pytest.mark.slow
@given(text=TEXTS.filter(lambda text: END not in text))
def test_every_text_is_split_alike(ours: ModelEncoding, theirs: PreTrainedTokenizerBase, text: str) -> None:
    assert ours.encode(text) == theirs(text, add_special_tokens=False)["input_ids"]


@given(ids=st.lists(st.integers(min_value=0, max_value=SIZE - 1), max_size=20))
def test_any_ids_decode_alike(ours: ModelEncoding, theirs: PreTrainedTokenizerBase, ids: list[int]) -> None:
    said = ours.decode_bytes(ids).decode(errors="replace")

    assert said == theirs.decode(ids, clean_up_tokenization_spaces=False)


def test_the_name_of_the_end_of_text_is_plain_text(ours: ModelEncoding) -> None:
    assert ours.decode_bytes(ours.encode(END)).strip() == END.encode()
    assert len(ours.encode(END)) > 3
