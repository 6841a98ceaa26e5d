"""A checkpoint on disk → a model ready to run, and what to say about it."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from typing import Any

import psutil
import torch
from transformers import GPT2LMHeadModel
from transformers.utils import logging as transformers_logging

from bot.model.checkpoint import Checkpoint, ModelRefused, Report
from bot.model.gpt2 import GPT2, UnsupportedModel, UnsupportedPrecision
from bot.model.heap import return_freed
from bot.model.protocol import END_OF_TEXT, Fingerprint, Loading, ModelInfo, Precision

# Raise it whenever a change may alter a single bit of any logit or draw.
ENGINE_VERSION = 3


@dataclass(frozen=True)
class LoadedModel:
    model: GPT2
    end_of_text: int
    info: ModelInfo


def load(checkpoint: Checkpoint, *, precision: Precision, report: Report) -> LoadedModel:
    """Read, convert to ``precision`` and pack the weights; ModelRefused if they cannot be used.

    Peak memory is that of one copy of the model and one layer, and of the file's pages.
    """
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
        fingerprint=fingerprint(checkpoint.identity, precision=precision),
    )
    end_of_text = config.eos_token_id if isinstance(config.eos_token_id, int) else END_OF_TEXT
    return LoadedModel(model, end_of_text, info)


def fingerprint(identity: str, *, precision: Precision) -> Fingerprint:
    return Fingerprint(
        weights=identity,
        precision=precision,
        processor=torch.backends.cpu.get_cpu_capability(),
        torch=str(torch.__version__),
        engine=ENGINE_VERSION,
    )


def _read(checkpoint: Checkpoint) -> GPT2LMHeadModel:
    """transformers' model in float32; ModelRefused if the files are broken or incomplete."""
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    # Typed as returning the model alone, which is not so with output_loading_info.
    read: Any = GPT2LMHeadModel.from_pretrained
    model: GPT2LMHeadModel
    try:
        model, outcome = read(
            checkpoint.folder,
            dtype=torch.float32,
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
        )
    except Exception as error:
        detail = f"its weights cannot be read ({type(error).__name__}: {error})."
        raise ModelRefused("failed", detail) from error
    # transformers fills what is missing with random numbers.
    if lacking := sorted(outcome["missing_keys"]):
        raise ModelRefused("failed", f"its weights are incomplete: {lacking[0]} is missing.")
    return model
