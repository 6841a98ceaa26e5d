"""A checkpoint on disk → a model ready to run, and what to say about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from math import prod

import psutil
import torch
from safetensors import safe_open
from torch import Tensor

from bot.model.cache.packed_files import PackedFiles
from bot.model.cache.tensor_file import Content, copied
from bot.model.checkpoint.configuration import Configuration, read_json
from bot.model.checkpoint.find import Checkpoint, own_tokenizer
from bot.model.checkpoint.refusal import ModelRefused
from bot.model.checkpoint.weights import EMBEDDING, HEAD, Stored, stored
from bot.model.gpt2.linear_layout import Layout
from bot.model.gpt2.packed import Packed, pack
from bot.model.gpt2.parameters import Parameters
from bot.model.gpt2.transformer import GPT2, model_module, model_signatures
from bot.model.kernels.jit import Kernels
from bot.model.kernels.processor import Processor, this_processor
from bot.model.model_info import END_OF_TEXT, GPT2_ENCODING, Fingerprint, ModelInfo, Precision, Tokenizer
from bot.model.protocol import Loading, Report
from bot.model.worker.sampling_kernels import SAMPLING_SIGNATURES, SamplingKernels, sampling_module
from bot.system.runtime import return_freed

# Raise it whenever a change may alter a single bit of any logit or draw.
ENGINE_VERSION = 4

# The names of compiled kernels among the tensors of a kept file.
_KERNELS, _SAMPLING = "kernels", "sampling"


@dataclass(frozen=True)
class LoadedModel:
    """``tokenizer`` is None where it is GPT-2's own.

    ``keep`` writes what the next start will read. If the weights are in pages of a file, ``settled`` copies
    the model into memory of its own, where it is faster.
    """

    model: GPT2
    sampling: SamplingKernels
    info: ModelInfo
    tokenizer: Tokenizer | None
    keep: Callable[[], None]
    settled: Callable[[], GPT2] | None


def load(
    checkpoint: Checkpoint,
    *,
    precision: Precision,
    report: Report,
    processor: Processor | None = None,
    files: PackedFiles | None = None,
) -> LoadedModel:
    """Load weights packed for ``processor``, which is this one unless given; ModelRefused if they are unfit.

    They come from ``files`` if they are there. Otherwise the checkpoint's are converted to ``precision`` and
    packed. Peak memory is that of one copy of the model and one layer, and of the file's pages.
    """
    tokenizer = own_tokenizer(checkpoint)
    processor = processor or this_processor()
    report(Loading("reading weights", 0, 0, "B"))
    path = files.path(checkpoint.identity, precision, processor) if files else None
    kept = files.read(path) if files and path else None
    ready = (
        _unpacked(kept, checkpoint, precision, processor)
        if kept
        else _made(checkpoint, precision, processor, report)
    )
    model = GPT2(ready.packed, ready.kernels, processor)

    def settled() -> GPT2:
        packed = replace(ready.packed, tensors=copied(ready.packed.tensors))
        return GPT2(packed, ready.kernels, processor)

    def keep() -> None:
        if files and path:
            files.sweep()
            if not kept:
                files.write(path, _content(ready))

    info = _info(checkpoint, model, ready.packed.count, tokenizer)
    return LoadedModel(
        model, SamplingKernels(ready.sampling), info, tokenizer, keep, settled if kept else None
    )


def _info(checkpoint: Checkpoint, model: GPT2, count: int, tokenizer: Tokenizer | None) -> ModelInfo:
    """What to say about ``model``, which has ``count`` numbers."""
    return ModelInfo(
        name=checkpoint.name,
        revision=checkpoint.revision,
        parameters=count,
        layers=model.layers,
        heads=model.heads,
        width=model.width,
        context=model.context,
        vocabulary=model.vocabulary,
        precision=model.precision,
        device="cpu",
        threads=torch.get_num_threads(),
        memory=psutil.Process().memory_full_info().uss,
        fingerprint=fingerprint(
            checkpoint.identity,
            precision=model.precision,
            encoding=tokenizer.identity if tokenizer else GPT2_ENCODING,
            ends=checkpoint.ends,
        ),
        brings_tokenizer=checkpoint.tokenizer != "none",
    )


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


@dataclass(frozen=True, slots=True)
class _Ready:
    """All that a start makes, and the next one reads."""

    packed: Packed
    kernels: Kernels
    sampling: Kernels


def _made(checkpoint: Checkpoint, precision: Precision, processor: Processor, report: Report) -> _Ready:
    parameters = parameters_of(checkpoint)
    config, layers = parameters.configuration, parameters.configuration.layers

    def on_layer(done: int) -> None:
        return_freed()
        report(Loading("packing weights", done, layers, "layers"))

    packed = pack(parameters, Layout.of(precision, processor), on_layer=on_layer)
    kernels = Kernels.compiled(model_module(config, precision, processor), processor)
    return _Ready(packed, kernels, Kernels.compiled(sampling_module(), processor))


def _content(ready: _Ready) -> Content:
    code = {name: kernels.code for name, kernels in ((_KERNELS, ready.kernels), (_SAMPLING, ready.sampling))}
    tensors = {name: torch.frombuffer(bytearray(part), dtype=torch.uint8) for name, part in code.items()}
    return Content({**ready.packed.tensors, **tensors}, {"count": ready.packed.count})


def _unpacked(content: Content, checkpoint: Checkpoint, precision: Precision, processor: Processor) -> _Ready:
    tensors = dict(content.tensors)
    kernels, sampling = (tensors.pop(name).numpy().tobytes() for name in (_KERNELS, _SAMPLING))
    configuration = Configuration.of(read_json(checkpoint.folder))
    packed = Packed(configuration, Layout.of(precision, processor), int(content.facts["count"]), tensors)
    return _Ready(
        packed, Kernels(kernels, model_signatures(processor)), Kernels(sampling, SAMPLING_SIGNATURES)
    )


def parameters_of(checkpoint: Checkpoint) -> Parameters:
    """The numbers, to be read one after the other; ModelRefused if the files are broken or incomplete."""
    configuration = Configuration.of(read_json(checkpoint.folder))
    places = stored(checkpoint.folder, configuration)
    # As in transformers, a head that should be the embedding and is not stays what it is.
    if (
        HEAD in places
        and configuration.tied
        and torch.equal(_number(places[HEAD]), _number(places[EMBEDDING]))
    ):
        del places[HEAD]
    count = sum(prod(place.shape) for place in places.values())
    return Parameters(configuration, count, {name: partial(_number, place) for name, place in places.items()})


def _number(place: Stored) -> Tensor:
    """The tensor at ``place`` in float32; ModelRefused if it has what is no number."""
    with safe_open(place.file, framework="pt") as file:
        tensor: Tensor = file.get_tensor(place.key).to(torch.float32)
    # NaN comes through as both.
    if not all(bound.isfinite() for bound in torch.aminmax(tensor)):
        raise ModelRefused(
            "failed", f"its weights are spoilt: {place.key} has numbers that are NaN or infinite."
        )
    return tensor
