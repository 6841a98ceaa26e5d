"""config.json → the shape of a GPT-2, and nothing else.

transformers obeys a config.json: it imports the code named there, fetches kernels and
quantizes. Here only the entries below are read, and each is checked.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from bot.model.checkpoint.refusal import ModelRefused

CONFIG, GENERATION = "config.json", "generation_config.json"
#: Two names of GPT-2's activation; the second is that of torch's function.
ACTIVATIONS = ("gelu_new", "gelu_pytorch_tanh")
_LARGEST = 10**9
# Classes whose weights can write texts; the base model's use the embedding as their head.
_ARCHITECTURES = {"GPT2LMHeadModel", "GPT2DoubleHeadsModel", "GPT2Model"}


@dataclass(frozen=True, slots=True)
class Configuration:
    """The shape of a GPT-2. ``inner`` is the width inside its MLPs; ``ends`` is eos_token_id."""

    vocabulary: int
    context: int
    width: int
    layers: int
    heads: int
    inner: int
    activation: str
    epsilon: float
    scaled: bool
    scaled_by_layer: bool
    tied: bool
    ends: int | tuple[int, ...] | None

    @property
    def head_width(self) -> int:
        return self.width // self.heads

    def scale(self, layer: int) -> float:
        """The factor of the attention scores in ``layer``, counted from 0."""
        scale = float(self.head_width**-0.5) if self.scaled else 1.0
        return scale / (layer + 1) if self.scaled_by_layer else scale

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Configuration:
        """Read ``config``; absent entries default to GPT-2's. Raises ModelRefused."""
        read = _Reader(config)
        read.check_kind()
        width = read.integer("n_embd", "hidden_size", default=768)
        heads = read.integer("n_head", "num_attention_heads", default=12)
        if width % heads:
            read.refuse(f"{heads} heads, which do not divide the width of {width}")
        return cls(
            vocabulary=read.integer("vocab_size", default=50_257),
            context=read.integer("n_positions", "max_position_embeddings", default=1024),
            width=width,
            layers=read.integer("n_layer", "num_hidden_layers", default=12),
            heads=heads,
            inner=read.integer("n_inner", default=4 * width),
            activation=read.activation(),
            epsilon=read.epsilon(),
            scaled=read.boolean("scale_attn_weights", default=True),
            scaled_by_layer=read.boolean("scale_attn_by_inverse_layer_idx", default=False),
            tied=read.boolean("tie_word_embeddings", default=True),
            ends=read.ends(),
        )


def read_json(folder: Path, name: str = CONFIG) -> dict[str, Any]:
    """Read a JSON object from a file in ``folder``.

    Raises ModelRefused if the file holds anything else, OSError if it cannot be read.
    """
    content = (folder / name).read_bytes()
    try:
        config = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ModelRefused("failed", f"its {name} cannot be read as JSON.") from error
    if not isinstance(config, dict):
        raise ModelRefused("failed", f"its {name} cannot be read as JSON.")
    return config


def ends_of(folder: Path, configuration: Configuration) -> tuple[int, ...]:
    """The token ids at which transformers' generate ends a text; empty if there are none.

    If the folder has a generation_config.json, only that counts.
    """
    ends = configuration.ends
    if (folder / GENERATION).is_file():
        generation = read_json(folder, GENERATION)
        ends = _Reader({"eos_token_id": generation.get("eos_token_id")}, GENERATION).ends()
    listed = ends if isinstance(ends, tuple) else (ends,)
    known = {end for end in listed if end is not None and 0 <= end < configuration.vocabulary}
    return tuple(sorted(known))


class _Reader:
    """Reads entries of a config.json, which may hold anything; null counts as absent."""

    def __init__(self, config: Mapping[str, Any], file: str = CONFIG) -> None:
        self._config = config
        self._file = file

    def refuse(self, what: str) -> NoReturn:
        raise ModelRefused("failed", f"its {self._file} has {what}.")

    def check_kind(self) -> None:
        """Raise ModelRefused if the model is called GPT-2 but computes something else."""
        architectures = self._config.get("architectures") or []
        if not (isinstance(architectures, list) and all(isinstance(name, str) for name in architectures)):
            self.refuse(f"architectures {architectures!r}, which must be a list of names")
        if architectures and not _ARCHITECTURES & set(architectures):
            detail = f"it is a {architectures[0]}, not a GPT-2 that writes texts (GPT2LMHeadModel)."
            raise ModelRefused("not_gpt2", detail)
        if self.boolean("add_cross_attention", default=False):
            self._unsupported("it has cross-attention, which GPT-2 lacks")
        if not self.boolean("is_causal", default=True):
            self._unsupported("its tokens see later ones")
        if self._config.get("per_layer_config"):
            self._unsupported("its layers differ in their configuration")

    def integer(self, *names: str, default: int) -> int:
        """A whole number from 1 to _LARGEST, under any of ``names``."""
        given = {name: self._config[name] for name in names if self._config.get(name) is not None}
        for name, value in given.items():
            if type(value) is not int or not 1 <= value <= _LARGEST:
                self.refuse(f"{name} {value!r}, which must be a whole number from 1 to {_LARGEST:,}")
        if len(set(given.values())) > 1:
            self.refuse(" but ".join(f"{name} {value}" for name, value in given.items()))
        return next(iter(given.values()), default)

    def boolean(self, name: str, *, default: bool) -> bool:
        value = self._config.get(name)
        if value is None:
            return default
        if type(value) is not bool:
            self.refuse(f"{name} {value!r}, which must be true or false")
        return value

    def epsilon(self) -> float:
        value = self._config.get("layer_norm_epsilon")
        if value is None:
            return 1e-5
        if type(value) not in (int, float) or not (math.isfinite(value) and 0 <= value <= 1):
            self.refuse(f"layer_norm_epsilon {value!r}, which must be a number from 0 to 1")
        return float(value)

    def activation(self) -> str:
        value = self._config.get("activation_function")
        if value is None:
            return ACTIVATIONS[0]
        if value not in ACTIVATIONS:
            self._unsupported(f"the activation {value!r} is not GPT-2's")
        return str(value)

    def ends(self) -> int | tuple[int, ...] | None:
        value = self._config.get("eos_token_id", 50_256)
        listed = value if isinstance(value, list) else [value]
        if value is not None and not all(type(token_id) is int for token_id in listed):
            self.refuse(f"eos_token_id {value!r}, which must be a token id or a list of them")
        return tuple(value) if isinstance(value, list) else value

    def _unsupported(self, why: str) -> NoReturn:
        raise ModelRefused("not_gpt2", f"it is a GPT-2 variant that is not supported: {why}.")
