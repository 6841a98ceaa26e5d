"""The tensors in a checkpoint's files, checked against its configuration.

Only the files' headers are read, which takes neither time nor torch.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from re import fullmatch

from safetensors import SafetensorError, safe_open

from bot.model.checkpoint.configuration import Configuration
from bot.model.checkpoint.refusal import ModelRefused, described_error, refusal, system_reason

INDEX = "model.safetensors.index.json"
EMBEDDING = "wte.weight"
POSITIONS = "wpe.weight"
HEAD = "lm_head.weight"
# Names begin with it in checkpoints of the model with a head, but not in those of the base model.
PREFIX = "transformer."

_SINGLE = "model.safetensors"
_SHARD = r"[\w-][\w.-]*\.safetensors"
_TYPES = {"F16", "BF16", "F32", "F64"}
# Causal masks, stored by older versions of transformers.
_MASKS = r"h\.\d+\.attn\.(bias|masked_bias)"
_LAYER = r"h\.(\d+)\..*"


@dataclass(frozen=True, slots=True)
class Stored:
    """A tensor stored in ``file`` under ``key``."""

    file: Path
    key: str
    shape: tuple[int, ...]
    type: str


def missing(folder: Path) -> str | None:
    """The first necessary file missing from ``folder``, if any. ModelRefused if its index is broken."""
    if not (folder / "config.json").is_file():
        return "config.json"
    if not any((folder / name).is_file() for name in (_SINGLE, INDEX)):
        return f"{_SINGLE} (weights in other formats are not read)"
    return next((file.name for file in _files(folder) if not file.is_file()), None)


def check_index(folder: Path) -> None:
    """Raise ModelRefused if the folder's index of weight files is broken."""
    if (folder / INDEX).is_file():
        _listed(folder)


def stored(folder: Path, configuration: Configuration) -> dict[str, Stored]:
    """The tensors of ``configuration``, by their names without prefix. Raises ModelRefused.

    A separate head may be among them.
    """
    found: dict[str, Stored] = {}
    for file in _files(folder):
        for tensor in _inside(file):
            name = tensor.key.removeprefix(PREFIX)
            if name in found:
                raise _broken(f"{tensor.key} is there twice")
            found[name] = tensor
    if configuration.tied and HEAD in found:
        # One tensor serves as both and may be stored under either name.
        found.setdefault(EMBEDDING, found[HEAD])
    _check_shapes(found, configuration)
    _check_surplus(found, configuration)
    needed = [*(name for name, _ in _expected(configuration)), HEAD]
    return {name: found[name] for name in needed if name in found}


def _files(folder: Path) -> list[Path]:
    """The paths of the weight files, whether or not they exist."""
    if (folder / _SINGLE).is_file():
        return [folder / _SINGLE]
    return [folder / name for name in _listed(folder)]


def _listed(folder: Path) -> list[str]:
    """The file names in the index; all must be safetensors files beside it, as others may hold code."""
    content = (folder / INDEX).read_bytes()
    try:
        listed = set(json.loads(content.decode("utf-8"))["weight_map"].values())
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ModelRefused("failed", f"its {INDEX} cannot be read.") from error
    for name in sorted(map(str, listed)):
        if not fullmatch(_SHARD, name):
            detail = f"its {INDEX} lists {name!r}, which is no safetensors file beside it."
            raise ModelRefused("failed", detail)
    if not listed:
        raise ModelRefused("failed", f"its {INDEX} lists no files.")
    return sorted(listed)


def _inside(file: Path) -> list[Stored]:
    # safetensors reports any file that it cannot open as missing.
    file.open("rb").close()
    try:
        with safe_open(file, framework="np") as opened:
            parts = {key: opened.get_slice(key) for key in opened.keys()}  # noqa: SIM118 - not a dict
            return [
                Stored(file, key, tuple(part.get_shape()), part.get_dtype()) for key, part in parts.items()
            ]
    except (SafetensorError, OSError) as error:
        if system_reason(error):
            raise refusal(error) from error
        raise _instead(file, error) from error


def _instead(file: Path, error: Exception) -> ModelRefused:
    """The refusal for a ``file`` that is not safetensors, saying what it is instead."""
    with file.open("rb") as opened:
        start = opened.read(256).lstrip().lower()
    if not start and not file.stat().st_size:
        return ModelRefused("failed", f"its weights cannot be read: {file.name} is empty.")
    if start.startswith(b"version https://git-lfs"):
        detail = f"its {file.name} is a Git LFS pointer, not the weights: run git lfs pull."
        return ModelRefused("failed", detail)
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        return ModelRefused("failed", f"its {file.name} is a web page, not the weights: download it again.")
    return ModelRefused(
        "failed", f"its weights cannot be read: {file.name} is broken ({described_error(error)})."
    )


def _check_shapes(found: Mapping[str, Stored], configuration: Configuration) -> None:
    for name, shape in _expected(configuration):
        tensor = found.get(name)
        if tensor is None:
            full = name if name == HEAD else PREFIX + name
            raise ModelRefused("failed", f"its weights are incomplete: {full} is missing.")
        _check_shape(tensor, shape)
    if HEAD in found:
        _check_shape(found[HEAD], (configuration.vocabulary, configuration.width))


def _check_shape(tensor: Stored, shape: tuple[int, ...]) -> None:
    if tensor.shape != shape:
        raise _broken(f"{tensor.key} is {_by(tensor.shape)}, by its config.json it should be {_by(shape)}")
    if tensor.type not in _TYPES:
        what = f"{tensor.key} is of the type {tensor.type}, not of floating-point numbers of 16 to 64 bits"
        raise _broken(what)


def _check_surplus(found: Mapping[str, Stored], configuration: Configuration) -> None:
    """Raise ModelRefused for a tensor that would be ignored: the model is not what it seems."""
    expected = {name for name, _ in _expected(configuration)}
    for name in sorted(found.keys() - expected - {HEAD}):
        layer = fullmatch(_LAYER, name)
        if layer and int(layer[1]) >= configuration.layers:
            counted = f"{configuration.layers} layers, but its weights have more ({found[name].key})"
            raise ModelRefused("failed", f"its config.json has {counted}.")
        if not fullmatch(_MASKS, name):
            detail = f"its weights have {found[name].key}, which is not part of a GPT-2 that writes text."
            raise ModelRefused("not_gpt2", detail)


def _expected(configuration: Configuration) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names and shapes, generated lazily: a configuration may claim any number of layers."""
    width, inner = configuration.width, configuration.inner
    yield EMBEDDING, (configuration.vocabulary, width)
    if not configuration.tied:
        yield HEAD, (configuration.vocabulary, width)
    yield POSITIONS, (configuration.context, width)
    for layer in range(configuration.layers):
        # transformers' Conv1D keeps its weight as [in, out].
        for name, shape in (
            ("ln_1.weight", (width,)),
            ("ln_1.bias", (width,)),
            ("attn.c_attn.weight", (width, 3 * width)),
            ("attn.c_attn.bias", (3 * width,)),
            ("attn.c_proj.weight", (width, width)),
            ("attn.c_proj.bias", (width,)),
            ("ln_2.weight", (width,)),
            ("ln_2.bias", (width,)),
            ("mlp.c_fc.weight", (width, inner)),
            ("mlp.c_fc.bias", (inner,)),
            ("mlp.c_proj.weight", (inner, width)),
            ("mlp.c_proj.bias", (width,)),
        ):
            yield f"h.{layer}.{name}", shape
    yield "ln_f.weight", (width,)
    yield "ln_f.bias", (width,)


def _broken(what: str) -> ModelRefused:
    return ModelRefused("failed", f"its weights cannot be read: {what}.")


def _by(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape)) or "a single number"
