"""Which tokenizer a checkpoint's folder brings, as far as its files tell before transformers reads them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from bot.model.byte_bpe import OtherTokenizer, check_kind, described
from bot.model.gpt2_tokenizer import END_OF_TEXT
from bot.model.protocol import Tokenizer

Brought = Literal["none", "gpt2", "own"]

TOKENIZER = "tokenizer.json"
VOCABULARY = "vocab.json"
MERGES = "merges.txt"
_SETTINGS = ("tokenizer_config.json", "special_tokens_map.json")
_ADDED = "added_tokens.json"
# Of other kinds than GPT-2's; looked for so that none of them is taken for GPT-2's.
_OTHERS = ("vocab.txt", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model")
READ = (TOKENIZER, VOCABULARY)
FILES = (TOKENIZER, VOCABULARY, MERGES, *_SETTINGS, _ADDED, *_OTHERS)

GPT2_SIZE = 50_257
# Of the files encoder.json and vocab.bpe of the GPT-2 release.
_GPT2_VOCABULARY = "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783"
_GPT2_MERGES = "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5"
_LISTED = ("added_tokens_decoder", "additional_special_tokens", "extra_special_tokens")
_GPT2_CLASSES = {None, "GPT2Tokenizer", "GPT2TokenizerFast"}

# What may be wrong with a file of another form than it should have.
UNREADABLE = (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError)


def brought(folder: Path, size: int, config: Mapping[str, Any]) -> Brought:
    """Whose tokenizer a model of ``size`` ids brings; "own" ones are yet to be read.

    Raises OtherTokenizer for one of another kind, and one of UNREADABLE for a broken file.
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
    for named in (settings[0].get("tokenizer_class"), config.get("tokenizer_class")):
        if named not in _GPT2_CLASSES:
            raise OtherTokenizer(f"is a {named}")
    if size != GPT2_SIZE:
        raise OtherTokenizer(
            f"is missing, and with {size:,} tokens it cannot be GPT-2's own, which has {GPT2_SIZE:,}"
        )
    return "none"


def own(folder: Path, size: int) -> Tokenizer | None:
    """The tokenizer in ``folder`` as transformers reads it; None if it is GPT-2's after all.

    Raises as :func:`brought` does.
    """
    # Takes seconds to import.
    from transformers import AutoTokenizer, GPT2Config

    # Given a configuration it reads none, and so does nothing that a config.json says.
    tokenizer = AutoTokenizer.from_pretrained(
        folder, config=GPT2Config(), local_files_only=True, trust_remote_code=False
    )
    return described(json.loads(tokenizer.backend_tokenizer.to_str()), size)


def _is_plain(folder: Path, settings: list[dict[str, Any]], raw: Mapping[str, Any]) -> bool:
    """Whether nothing beside the vocabulary makes it other than GPT-2's: an added token, a space before."""
    names = {END_OF_TEXT, *_read(folder / _ADDED)}
    names.update(token["content"] for token in raw.get("added_tokens", ()))
    for setting in settings:
        names.update(_names(setting))
    return names == {END_OF_TEXT} and not any(setting.get("add_prefix_space") for setting in settings)


def _names(setting: Mapping[str, Any]) -> Iterator[str]:
    """The tokens that a file of settings has names for."""
    for key, value in setting.items():
        if key.endswith("_token"):
            tokens = [value]
        elif key in _LISTED:
            tokens = list(value.values()) if isinstance(value, dict) else value
        else:
            continue
        for token in tokens:
            if isinstance(token, str):
                yield token
            elif isinstance(token, dict):
                yield token["content"]


def _is_gpt2s(model: Mapping[str, Any]) -> bool:
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]]
    lines = "\n".join(("#version: 0.2", *merges, ""))
    return (
        hashlib.sha256(json.dumps(model["vocab"]).encode()).hexdigest() == _GPT2_VOCABULARY
        and hashlib.sha256(lines.encode()).hexdigest() == _GPT2_MERGES
    )


def _read(file: Path) -> dict[str, Any]:
    """What is in a file of settings; nothing if it is not there."""
    if not file.is_file():
        return {}
    settings: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return settings


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
