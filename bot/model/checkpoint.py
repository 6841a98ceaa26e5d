"""Where a model's files are, and whether they are GPT-2's.

Everything that can be wrong with a model's name, folder or configuration is
found here, before torch is imported: a mistyped name is answered in a second.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from bot.model.configuration import Configuration, read_json
from bot.model.hub import Report, snapshot
from bot.model.protocol import GPT2_LARGE, Loading
from bot.model.refusal import ModelRefused
from bot.model.weights import check_index, missing, stored

__all__ = ["PINNED_REVISIONS", "Checkpoint", "ModelRefused", "Report", "find"]

# A name alone means this revision of it, so that the default never changes silently.
PINNED_REVISIONS = {GPT2_LARGE: "32b71b12589c2f8d625668d2335a01cac3249519"}
# The bot encodes with GPT-2's own encoding; a model of another would read other words.
VOCABULARY = 50_257

_HASH_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Checkpoint:
    """A folder with GPT-2's weights in safetensors.

    ``identity`` changes whenever the weights or their configuration do.
    """

    name: str
    revision: str | None
    folder: Path
    identity: str


def find(name: str, *, revision: str | None, report: Report) -> Checkpoint:
    """The checkpoint that ``name`` means: a folder, or a model of the Hugging Face Hub.

    A hub model comes from the local cache if it is there, without asking the
    network. Raises ModelRefused.
    """
    try:
        local = Path(name).expanduser()
    except RuntimeError as error:
        raise ModelRefused("not_found", "there is no such folder.") from error
    if local.exists() or _looks_like_path(name):
        _check(local)
        return Checkpoint(name, None, local, f"sha256:{_digest(local, report)}")
    folder = snapshot(name, revision or PINNED_REVISIONS.get(name, "main"), report)
    try:
        _check(folder)
    except ModelRefused as refused:
        if refused.reason == "failed":
            # What is cached is taken as it is.
            detail = f"{refused.detail} To download it anew, delete {folder.parents[1]} first."
            raise ModelRefused("failed", detail) from refused
        raise
    # A snapshot's folder is named by its commit.
    return Checkpoint(name, folder.name, folder, f"commit:{folder.name}")


def _looks_like_path(name: str) -> bool:
    return name.startswith((".", "/", "~")) or "\\" in name or name.count("/") > 1


def _check(folder: Path) -> None:
    """ModelRefused unless ``folder`` holds a GPT-2 that the bot can use."""
    if not folder.is_dir():
        raise ModelRefused("not_found", "there is no such folder.")
    check_index(folder)
    if lacking := missing(folder):
        raise ModelRefused("not_found", f"the folder has no {lacking}.")
    config = read_json(folder)
    model_type = config.get("model_type")
    if model_type != "gpt2":
        raise ModelRefused("not_gpt2", f"it is not a GPT-2: its model_type is {model_type!r}.")
    configuration = Configuration.of(config)
    if (vocabulary := configuration.vocabulary) != VOCABULARY:
        detail = (
            f"its vocabulary is {vocabulary}, but the bot's encoding is GPT-2's, of {VOCABULARY:,} tokens."
        )
        raise ModelRefused("not_gpt2", detail)
    stored(folder, configuration)


def _digest(folder: Path, report: Report) -> str:
    """SHA-256 over the weights and the configuration."""
    paths = [folder / "config.json", *sorted(folder.glob("*.safetensors"))]
    total = sum(path.stat().st_size for path in paths)
    digest, done = hashlib.sha256(), 0
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(_HASH_BYTES):
                digest.update(block)
                done += len(block)
                report(Loading("checking", done, total, "B"))
    return digest.hexdigest()
