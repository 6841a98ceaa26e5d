"""Where a model's files are, and whether they are GPT-2's.

Everything that can be wrong with a model's name, folder or configuration is
found here, before torch is imported: a mistyped name is answered in a second.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from re import fullmatch
from typing import Any

from huggingface_hub import snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from tqdm.auto import tqdm

from bot.model.protocol import GPT2_LARGE, Loading, UnusableReason

Report = Callable[[Loading], None]

# A name alone means this revision of it, so that the default never changes silently.
PINNED_REVISIONS = {GPT2_LARGE: "32b71b12589c2f8d625668d2335a01cac3249519"}
# The bot encodes with GPT-2's own encoding; a model of another would read other words.
VOCABULARY = 50_257

_INDEX = "model.safetensors.index.json"
_SHARD = r"[\w-][\w.-]*\.safetensors"
_FILES = ["config.json", "model.safetensors", "model-*.safetensors", _INDEX]
_HASH_BYTES = 64 * 1024 * 1024


class ModelRefused(Exception):
    """A model that cannot be used; ``detail`` is one sentence for the operator."""

    def __init__(self, reason: UnusableReason, detail: str) -> None:
        super().__init__(detail)
        self.reason: UnusableReason = reason
        self.detail = detail


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
    local = Path(name).expanduser()
    if local.exists() or _looks_like_path(name):
        _check(local)
        return Checkpoint(name, None, local, f"sha256:{_digest(local, report)}")
    folder = _snapshot(name, revision or PINNED_REVISIONS.get(name, "main"), report)
    _check(folder)
    # A snapshot's folder is named by its commit.
    return Checkpoint(name, folder.name, folder, f"commit:{folder.name}")


def _looks_like_path(name: str) -> bool:
    return name.startswith((".", "/", "~")) or "\\" in name or name.count("/") > 1


def _snapshot(name: str, revision: str, report: Report) -> Path:
    """The folder of a hub model at ``revision``, downloaded if it is not cached."""
    try:
        cached = Path(
            snapshot_download(name, revision=revision, allow_patterns=_FILES, local_files_only=True)
        )
        if _missing(cached) is None:
            return cached
    except HFValidationError as error:
        raise ModelRefused("not_found", "it is neither a folder nor the name of a hub model.") from error
    except LocalEntryNotFoundError:
        pass
    return _download(name, revision, report)


def _download(name: str, revision: str, report: Report) -> Path:
    report(Loading("downloading", 0, 0, "B"))
    try:
        return Path(
            snapshot_download(name, revision=revision, allow_patterns=_FILES, tqdm_class=_reporting(report))
        )
    except GatedRepoError as error:
        detail = "its hub page asks you to accept terms: accept them, then set HF_TOKEN."
        raise ModelRefused("not_found", detail) from error
    except RepositoryNotFoundError as error:
        detail = "there is no such folder, and the Hugging Face Hub has no such public model."
        raise ModelRefused("not_found", detail) from error
    except RevisionNotFoundError as error:
        raise ModelRefused("not_found", f"the hub model has no revision {revision}.") from error
    except LocalEntryNotFoundError as error:
        detail = "it is not in the local cache and the Hugging Face Hub cannot be reached."
        raise ModelRefused("not_fetched", detail) from error
    except Exception as error:
        detail = f"downloading it failed ({type(error).__name__}: {error})."
        raise ModelRefused("not_fetched", detail) from error


def _reporting(report: Report) -> type[tqdm[Any]]:
    """A progress bar that draws nothing and reports the bytes instead."""
    furthest = 0

    class ReportingBar(tqdm):  # type: ignore[type-arg]  # not generic at run time
        def display(self, msg: str | None = None, pos: int | None = None) -> None:
            # There is one bar for bytes received and one for bytes written.
            nonlocal furthest
            if self.unit == "B" and self.total and self.n > furthest:
                furthest = int(self.n)
                report(Loading("downloading", furthest, int(self.total), "B"))

        def clear(self, nolock: bool = False) -> None:
            """There is nothing on the screen."""

        def close(self) -> None:
            # tqdm's own would write a line end.
            self.disable = True

    return ReportingBar


def _check(folder: Path) -> None:
    """ModelRefused unless ``folder`` holds a GPT-2 that the bot can use."""
    if not folder.is_dir():
        raise ModelRefused("not_found", "there is no such folder.")
    if missing := _missing(folder):
        raise ModelRefused("not_found", f"the folder has no {missing}.")
    _check_index(folder / _INDEX)
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        model_type = config.get("model_type")
        vocabulary = config.get("vocab_size", VOCABULARY)
    except (OSError, ValueError, AttributeError) as error:
        raise ModelRefused("failed", "its config.json cannot be read as JSON.") from error
    if model_type != "gpt2":
        raise ModelRefused("not_gpt2", f"it is not a GPT-2: its model_type is {model_type!r}.")
    if vocabulary != VOCABULARY:
        detail = (
            f"its vocabulary is {vocabulary}, but the bot's encoding is GPT-2's, of {VOCABULARY:,} tokens."
        )
        raise ModelRefused("not_gpt2", detail)


def _check_index(index: Path) -> None:
    """ModelRefused if weights in several files are to be read from any that are no safetensors beside it.

    transformers reads whatever is listed, and what is not safetensors may hold code.
    """
    if not index.is_file():
        return
    try:
        listed = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise ModelRefused("failed", f"its {_INDEX} cannot be read.") from error
    for name in sorted(map(str, listed)):
        if not fullmatch(_SHARD, name):
            raise ModelRefused(
                "failed", f"its {_INDEX} lists {name!r}, which is no safetensors file beside it."
            )


def _missing(folder: Path) -> str | None:
    """The first needed file that ``folder`` lacks, if any."""
    if not (folder / "config.json").is_file():
        return "config.json"
    weights = ("model.safetensors", _INDEX)
    if not any((folder / name).is_file() for name in weights):
        return "model.safetensors (weights in other formats are not read)"
    return None


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
