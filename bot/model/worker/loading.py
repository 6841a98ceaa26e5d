"""A checkpoint on disk → a model ready to run, and what to say about it."""

from __future__ import annotations

import gc
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import psutil
import torch
from safetensors import safe_open
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel
from transformers.utils import logging as transformers_logging

from bot.model.checkpoint.configuration import Configuration, read_json
from bot.model.checkpoint.find import Checkpoint, ModelRefused, Report, own_tokenizer
from bot.model.checkpoint.weights import EMBEDDING, HEAD, PREFIX, Stored, stored
from bot.model.gpt2.transformer import GPT2, UnsupportedModel, UnsupportedPrecision
from bot.model.protocol import (
    END_OF_TEXT,
    GPT2_ENCODING,
    Fingerprint,
    Loading,
    ModelInfo,
    Precision,
    Tokenizer,
)
from bot.runtime import return_freed

# Raise it whenever a change may alter a single bit of any logit or draw.
ENGINE_VERSION = 3


@dataclass(frozen=True)
class LoadedModel:
    """``tokenizer`` is None where it is GPT-2's own."""

    model: GPT2
    info: ModelInfo
    tokenizer: Tokenizer | None


def load(checkpoint: Checkpoint, *, precision: Precision, report: Report) -> LoadedModel:
    """Read, convert to ``precision`` and pack the weights; ModelRefused if they cannot be used.

    Peak memory is that of one copy of the model and one layer, and of the file's pages.
    """
    tokenizer = own_tokenizer(checkpoint)
    report(Loading("reading weights", 0, 0, "B"))
    weights = _read(checkpoint)
    config, parameters = weights.config, weights.num_parameters()

    def on_layer(done: int) -> None:
        return_freed()
        report(Loading("packing weights", done, config.n_layer, "layers"))

    try:
        model = GPT2(weights, precision=precision, on_layer=on_layer)
    except UnsupportedModel as error:
        raise ModelRefused("not_gpt2", f"it is a GPT-2 variant that is not supported: {error}.") from error
    except UnsupportedPrecision as error:
        raise ModelRefused("failed", f"PRECISION={precision} is not possible here: {error}.") from error
    del weights
    # transformers' model refers to itself: without the collector it would stay.
    gc.collect()
    return_freed()
    info = ModelInfo(
        name=checkpoint.name,
        revision=checkpoint.revision,
        parameters=parameters,
        layers=model.layers,
        heads=model.heads,
        width=model.width,
        context=model.context,
        vocabulary=model.vocabulary,
        precision=precision,
        device="cpu",
        threads=torch.get_num_threads(),
        memory=psutil.Process().memory_full_info().uss,
        fingerprint=fingerprint(
            checkpoint.identity,
            precision=precision,
            encoding=tokenizer.identity if tokenizer else GPT2_ENCODING,
            ends=checkpoint.ends,
        ),
        brings_tokenizer=checkpoint.tokenizer != "none",
    )
    return LoadedModel(model, info, tokenizer)


def fingerprint(
    identity: str,
    *,
    precision: Precision,
    encoding: str = GPT2_ENCODING,
    ends: tuple[int, ...] = (END_OF_TEXT,),
) -> Fingerprint:
    return Fingerprint(
        weights=identity,
        precision=precision,
        processor=torch.backends.cpu.get_cpu_capability(),
        torch=str(torch.__version__),
        engine=ENGINE_VERSION,
        encoding=encoding,
        ends=ends,
    )


def _read(checkpoint: Checkpoint) -> GPT2LMHeadModel:
    """transformers' model in float32; ModelRefused if the files are broken or incomplete.

    Built here of numbers alone, not by transformers' ``from_pretrained``, which does what
    a config.json says.
    """
    configuration = Configuration.of(read_json(checkpoint.folder))
    tensors = _numbers(stored(checkpoint.folder, configuration).items())
    embedding = tensors[EMBEDDING]
    head = tensors.pop(HEAD, embedding)
    # transformers does the same with a head that should be the embedding and is not.
    tied = configuration.tied and torch.equal(head, embedding)
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    with torch.device("meta"):
        model = GPT2LMHeadModel(_for_transformers(configuration))
    state = {PREFIX + name: tensor for name, tensor in tensors.items()} | {HEAD: head}
    model.load_state_dict(state, assign=True)
    if tied:
        model.lm_head.weight = model.transformer.wte.weight
    return model


def _numbers(places: Iterable[tuple[str, Stored]]) -> dict[str, Tensor]:
    """The tensors at ``places`` in float32; ModelRefused if any of them has what is no number."""
    tensors: dict[str, Tensor] = {}
    for name, place in places:
        with safe_open(place.file, framework="pt") as file:
            tensor: Tensor = file.get_tensor(place.key).to(torch.float32)
        # NaN comes through as both.
        if not all(bound.isfinite() for bound in torch.aminmax(tensor)):
            raise ModelRefused(
                "failed", f"its weights are spoilt: {place.key} has numbers that are NaN or infinite."
            )
        tensors[name] = tensor
    return tensors


def _for_transformers(configuration: Configuration) -> GPT2Config:
    """Nothing but what was checked, and transformers' own attention, which is not used."""
    ends = configuration.ends
    entries: dict[str, Any] = {
        "vocab_size": configuration.vocabulary,
        "n_positions": configuration.context,
        "n_embd": configuration.width,
        "n_layer": configuration.layers,
        "n_head": configuration.heads,
        "n_inner": configuration.inner,
        "activation_function": configuration.activation,
        "layer_norm_epsilon": configuration.epsilon,
        "scale_attn_weights": configuration.scaled,
        "scale_attn_by_inverse_layer_idx": configuration.scaled_by_layer,
        "tie_word_embeddings": configuration.tied,
        "eos_token_id": list(ends) if isinstance(ends, tuple) else ends,
        "attn_implementation": "eager",
    }
    return GPT2Config(**entries)
