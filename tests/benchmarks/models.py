"""The model that all programs run: a GPT-2 of a known shape whose texts never end early."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

# Width, layers, heads.
SHAPES = {
    "gpt2": (768, 12, 12),
    "gpt2-medium": (1024, 24, 16),
    "gpt2-large": (1280, 36, 20),
    "gpt2-xl": (1600, 48, 25),
}

_CONFIG, _GENERATION = "config.json", "generation_config.json"


def random_model(shape: str, folder: Path) -> Path:
    """Make a model with random weights in ``folder``, unless it is there already."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    model = folder / shape
    if not (model / "config.json").exists():
        print(f"making a random model of {shape}'s shape …", file=sys.stderr)
        torch.manual_seed(0)
        width, layers, heads = SHAPES[shape]
        GPT2LMHeadModel(GPT2Config(n_embd=width, n_layer=layers, n_head=heads)).save_pretrained(model)
        never_end(model)
    return model


def linked_model(original: Path, folder: Path) -> Path:
    """A copy of a model with links to its files, so that its configuration can differ."""
    model = folder / original.resolve().name
    if not model.exists():
        model.mkdir(parents=True)
        for file in original.iterdir():
            if file.name not in (_CONFIG, _GENERATION):
                (model / file.name).symlink_to(file.resolve())
        (model / "config.json").write_text((original / "config.json").read_text())
        never_end(model)
    return model


def never_end(model: Path) -> None:
    """Set the end of text to an id outside the vocabulary, so that all timed runs are equally long."""
    config = configuration(model)
    config["eos_token_id"] = config["vocab_size"]
    (model / _CONFIG).write_text(json.dumps(config))
    # Where this file exists, it takes precedence.
    (model / _GENERATION).write_text(json.dumps({"eos_token_id": config["vocab_size"]}))


def weights_a_token(model: Path) -> int:
    """The number of weights read for one token: the matrices of the layers and the vocabulary."""
    config = configuration(model)
    return int(config["n_layer"] * 12 * config["n_embd"] ** 2 + config["vocab_size"] * config["n_embd"])


def is_large(model: Path) -> bool:
    config = configuration(model)
    return (config["n_embd"], config["n_layer"], config["n_head"]) == SHAPES["gpt2-large"]


def configuration(model: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((model / "config.json").read_text())
    return content
