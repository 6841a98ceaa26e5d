"""Checkpoints with their own tokenizers, trained here, and so small that they write quickly."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from tests.model.conftest import random_model

END = "<|endoftext|>"
SPANISH = (
    "Había una vez un niño que vivía en una casa pequeña al lado del río. ¿Qué hacías ayer por la mañana?",
    "La ciudad está llena de gente, y los niños juegan en las calles hasta que llega la noche. ¡Mañana más!",
    "El señor Muñoz compró 12 manzanas, 345 peras y un piñón; después se fue a su casa en autobús.",
)
CHINESE = (
    "从前有一个小孩子住在河边的小房子里,他每天早上都去学校读书。",
    "这个城市有很多人,孩子们在街上玩到晚上。明天会更好!你昨天早上做了什么?",
    "中国的首都是北京,北京有一千多万人。今天天气很好,我们一起去公园吧。",
)


def trained(
    texts: Sequence[str] = SPANISH, *, size: int = 400, special: Sequence[str] = (END,), **byte_level: Any
) -> Tokenizer:
    """A byte-level BPE like GPT-2's, of about ``size`` tokens, the ``special`` ones first."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(**{"add_prefix_space": False, **byte_level})
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(special),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(list(texts), trainer)
    return tokenizer


def chatting(tokenizer: Tokenizer) -> Tokenizer:
    """Add chat tokens to ``tokenizer``, and added tokens of every kind."""
    tokenizer.add_special_tokens(["<|user|>", "<|bot|>", "<|user|>:", "<pad>"])
    tokenizer.add_tokens(
        [
            "niño",
            "café au lait",
            AddedToken("<mask>", lstrip=True, rstrip=True, special=True),
            AddedToken("sol", single_word=True),
            AddedToken("ni", normalized=False),
        ]
    )
    return tokenizer


def write_model(folder: Path, size: int, **config: Any) -> Path:
    """Write a random model with ``size`` token ids, without a tokenizer."""
    random_model(vocab_size=size, n_positions=64, **config).save_pretrained(folder)
    return folder


def write_tokenizer(folder: Path, tokenizer: Tokenizer, **settings: Any) -> Path:
    """Write tokenizer.json, and tokenizer_config.json if there are ``settings``."""
    folder.mkdir(exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    if settings:
        (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder


def write_vocabulary(folder: Path, tokenizer: Tokenizer) -> Path:
    """Write vocab.json and merges.txt, which preceded tokenizer.json."""
    model = json.loads(tokenizer.to_str())["model"]
    folder.mkdir(exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps(model["vocab"]), encoding="utf-8")
    merges = "".join(f"{left} {right}\n" for left, right in model["merges"])
    (folder / "merges.txt").write_text(f"#version: 0.2\n{merges}", encoding="utf-8")
    return folder
