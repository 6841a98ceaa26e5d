"""Which tokenizer a checkpoint's folder brings, judged by its files alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal

import tokenizers

from bot.model.checkpoint.byte_bpe import OtherTokenizer, check_kind, described
from bot.model.checkpoint.gpt2_tokenizer import END_OF_TEXT
from bot.model.model_info import Tokenizer

Brought = Literal["none", "gpt2", "own"]

TOKENIZER = "tokenizer.json"
VOCABULARY = "vocab.json"
MERGES = "merges.txt"
_SETTINGS = ("tokenizer_config.json", "special_tokens_map.json")
_ADDED = "added_tokens.json"
# Files of other kinds of tokenizers, which must not be taken for GPT-2's.
_OTHERS = ("vocab.txt", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model")
READ = (TOKENIZER, VOCABULARY)
FILES = (TOKENIZER, VOCABULARY, MERGES, *_SETTINGS, _ADDED, *_OTHERS)

GPT2_SIZE = 50_257
# SHA-256 of the files encoder.json and vocab.bpe in the GPT-2 release.
_GPT2_VOCABULARY = "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783"
_GPT2_MERGES = "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5"
_FLAGS = ("single_word", "lstrip", "rstrip", "normalized", "special")

# The errors that reading a malformed file may raise.
UNREADABLE = (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError)


def brought(folder: Path, size: int) -> Brought:
    """Whose tokenizer a model with ``size`` ids brings; for "own", call :func:`own` next.

    Raises OtherTokenizer for another kind of tokenizer, one of UNREADABLE for a broken file.
    """
    settings = [_read(folder / name) for name in _SETTINGS]
    if (folder / TOKENIZER).is_file():
        raw = _read(folder / TOKENIZER)
        check_kind(raw)
        if size == GPT2_SIZE and _is_plain(folder, settings, raw) and _is_gpt2s(raw["model"]):
            return "gpt2"
        return "own"
    if (folder / VOCABULARY).is_file() and (folder / MERGES).is_file():
        same = _digest(folder / VOCABULARY) == _GPT2_VOCABULARY and _digest(folder / MERGES) == _GPT2_MERGES
        return "gpt2" if size == GPT2_SIZE and same and _is_plain(folder, settings, {}) else "own"
    for name in (VOCABULARY, MERGES, *_OTHERS):
        if (folder / name).is_file():
            raise OtherTokenizer(f"is of another kind: of its files there is {name}")
    if not _is_gpt2_class(named := settings[0].get("tokenizer_class")):
        raise OtherTokenizer(f"is a {named}")
    if size != GPT2_SIZE:
        raise OtherTokenizer(
            f"is missing, and with {size:,} tokens it cannot be GPT-2's own, which has {GPT2_SIZE:,}"
        )
    return "none"


def own(folder: Path, size: int) -> Tokenizer | None:
    """The tokenizer in ``folder`` as transformers would read it; None if it is GPT-2's after all.

    Raises as :func:`brought` does. transformers itself is not used, because it does more than
    read files. Like its GPT2Tokenizer, this splits texts into words by the settings, no matter
    what tokenizer.json says, and appends tokens that only the settings name.
    """
    settings = _read(folder / _SETTINGS[0])
    if "added_tokens_decoder" not in settings:  # otherwise the older file is ignored
        settings |= _read(folder / _SETTINGS[1])
    if (folder / TOKENIZER).is_file():
        content = _read(folder / TOKENIZER)
    else:
        merges = (folder / MERGES).read_text(encoding="utf-8").splitlines()
        pairs = [line for line in merges if line and not line.startswith("#version")]
        content = {"model": {"type": "BPE", "vocab": _read(folder / VOCABULARY), "merges": pairs}}
    is_gpt2s = _is_gpt2_class(settings.get("tokenizer_class"))
    if is_gpt2s:
        bytewise = {"type": "ByteLevel", "trim_offsets": True, "use_regex": True}
        space = {"add_prefix_space": bool(settings.get("add_prefix_space"))}
        content |= {"pre_tokenizer": bytewise | space, "decoder": bytewise | {"add_prefix_space": True}}
    tokenizer = tokenizers.Tokenizer.from_str(json.dumps({"version": "1.0", **content}))
    usual = dict.fromkeys(("bos_token", "eos_token", "unk_token"), END_OF_TEXT) if is_gpt2s else {}
    named = _names(usual | settings)
    tokenizer.add_tokens([_token(token) for token in _listed(folder, settings, {*map(_content, named)})])
    tokenizer.add_special_tokens([_token(token) for token in named])
    return described(json.loads(tokenizer.to_str()), size)


def _listed(
    folder: Path, settings: Mapping[str, Any], special: Collection[str]
) -> list[str | Mapping[str, Any]]:
    """The added tokens outside the vocabulary, by id, from the newer of the two files that list them."""
    if listed := settings.get("added_tokens_decoder"):
        return [token for _, token in sorted(listed.items(), key=lambda item: int(item[0]))]
    older = sorted(_read(folder / _ADDED).items(), key=lambda item: int(item[1]))
    return [
        {"content": text, "special": text in special, "normalized": text not in special} for text, _ in older
    ]


def _is_gpt2_class(name: object) -> bool:
    return name is None or name in ("GPT2Tokenizer", "GPT2TokenizerFast")


def _token(token: str | Mapping[str, Any]) -> tokenizers.AddedToken:
    if isinstance(token, str):
        return tokenizers.AddedToken(token, normalized=False, special=True)
    flags = {key: bool(token[key]) for key in _FLAGS if key in token}
    return tokenizers.AddedToken(token["content"], **flags)


def _is_plain(folder: Path, settings: list[dict[str, Any]], raw: Mapping[str, Any]) -> bool:
    """Whether it differs from GPT-2's in its vocabulary at most: no added tokens, no leading space."""
    names = {END_OF_TEXT, *_read(folder / _ADDED)}
    names.update(token["content"] for token in raw.get("added_tokens", ()))
    for setting in settings:
        listed = setting.get("added_tokens_decoder", {}).values()
        names.update(map(_content, (*_names(setting), *listed)))
    return names == {END_OF_TEXT} and not any(setting.get("add_prefix_space") for setting in settings)


def _names(setting: Mapping[str, Any]) -> list[str | Mapping[str, Any]]:
    """The tokens named in a settings file, in the order of transformers."""
    tokens = [setting.get(f"{key}_token") for key in ("bos", "eos", "unk", "sep", "pad", "cls", "mask")]
    for key in ("additional_special_tokens", "extra_special_tokens"):
        more = setting.get(key) or []
        tokens += list(more.values()) if isinstance(more, dict) else more
    return [token for token in tokens if isinstance(token, (str, dict)) and token]


def _content(token: str | Mapping[str, Any]) -> str:
    return token if isinstance(token, str) else str(token["content"])


def _is_gpt2s(model: Mapping[str, Any]) -> bool:
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]]
    lines = "\n".join(("#version: 0.2", *merges, ""))
    return (
        hashlib.sha256(json.dumps(model["vocab"]).encode()).hexdigest() == _GPT2_VOCABULARY
        and hashlib.sha256(lines.encode()).hexdigest() == _GPT2_MERGES
    )


def _read(file: Path) -> dict[str, Any]:
    """The content of a settings file; empty if it does not exist."""
    if not file.is_file():
        return {}
    settings: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return settings


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
