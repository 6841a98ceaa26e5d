"""A checkpoint on disk → a model ready to run, and what to say about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import psutil
import torch
from safetensors import safe_open
from torch import Tensor

from bot.model.checkpoint.configuration import Configuration, read_json
from bot.model.checkpoint.find import Checkpoint, own_tokenizer
from bot.model.checkpoint.refusal import ModelRefused
from bot.model.checkpoint.weights import EMBEDDING, HEAD, Stored, stored
from bot.model.gpt2.parameters import Parameters
from bot.model.gpt2.transformer import GPT2
from bot.model.kernels.processor import Processor
from bot.model.model_info import END_OF_TEXT, GPT2_ENCODING, Fingerprint, ModelInfo, Precision, Tokenizer
from bot.model.protocol import Loading, Report
from bot.system.runtime import return_freed

# Raise it whenever a change may alter a single bit of any logit or draw.
ENGINE_VERSION = 4


@dataclass(frozen=True)
class LoadedModel:
    """``tokenizer`` is None where it is GPT-2's own."""

    model: GPT2
    info: ModelInfo
    tokenizer: Tokenizer | None


def load(
    checkpoint: Checkpoint, *, precision: Precision, report: Report, processor: Processor | None = None
) -> LoadedModel:
    """Read, convert to ``precision`` and pack the weights; ModelRefused if they cannot be used.

    They are packed for ``processor``, which is this one unless given.
    Peak memory is that of one copy of the model and one layer, and of the file's pages.
    """
    tokenizer = own_tokenizer(checkpoint)
    report(Loading("reading weights", 0, 0, "B"))
    parameters = _read(checkpoint)
    count, layers = parameters.count, parameters.configuration.layers

    def on_layer(done: int) -> None:
        return_freed()
        report(Loading("packing weights", done, layers, "layers"))

    model = GPT2(parameters, precision=precision, processor=processor, on_layer=on_layer)
    info = ModelInfo(
        name=checkpoint.name,
        revision=checkpoint.revision,
        parameters=count,
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
        engine=ENGINE_VERSION,
        encoding=encoding,
        ends=ends,
    )


def _read(checkpoint: Checkpoint) -> Parameters:
    """The numbers in float32; ModelRefused if the files are broken or incomplete."""
    configuration = Configuration.of(read_json(checkpoint.folder))
    tensors = _numbers(stored(checkpoint.folder, configuration).items())
    # As in transformers, a head that should be the embedding and is not stays what it is.
    if HEAD in tensors and configuration.tied and torch.equal(tensors[HEAD], tensors[EMBEDDING]):
        del tensors[HEAD]
    return Parameters(configuration, tensors)


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
