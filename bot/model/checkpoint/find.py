"""Find a model's files and make sure they are GPT-2's.

Everything that can be wrong with a model's name, folder or configuration is found here,
before torch is imported, so a typo is reported within a second.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from bot.model.checkpoint import tokenizer_files
from bot.model.checkpoint.byte_bpe import OtherTokenizer
from bot.model.checkpoint.configuration import Configuration, ends_of, read_json
from bot.model.checkpoint.digests import Digests
from bot.model.checkpoint.refusal import ModelRefused, described_error, refusal, system_reason
from bot.model.checkpoint.tokenizer_files import Brought
from bot.model.checkpoint.weights import check_index, missing, stored
from bot.model.model_info import GPT2_LARGE, Tokenizer
from bot.model.protocol import Loading, Report

# The revision a bare name stands for, so that the default never changes silently.
PINNED_REVISIONS = {GPT2_LARGE: "32b71b12589c2f8d625668d2335a01cac3249519"}

_HASH_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Checkpoint:
    """A folder with GPT-2's weights in safetensors.

    ``identity`` changes whenever the weights or their configuration do. ``vocabulary`` is the
    number of ids; ``ends`` are the ids that end a text; ``tokenizer`` says whose tokenizer
    lies beside the weights.
    """

    name: str
    revision: str | None
    folder: Path
    identity: str
    vocabulary: int
    ends: tuple[int, ...]
    tokenizer: Brought


def find(name: str, *, revision: str | None, report: Report, digests: Digests | None = None) -> Checkpoint:
    """The checkpoint called ``name``: a folder, or a model on the Hugging Face Hub.

    A hub model in the local cache is used without touching the network. Raises ModelRefused.
    ``digests`` remembers those of folders.
    """
    try:
        local = Path(name).expanduser()
    except RuntimeError as error:
        raise ModelRefused("not_found", "there is no such folder.") from error
    if local.exists() or _looks_like_path(name):
        configuration = _checked(local)
        ends, brought = ends_of(local, configuration), _brought(local, configuration.vocabulary)
        identity = f"sha256:{_digest(local, digests, report)}"
        return Checkpoint(name, None, local, identity, configuration.vocabulary, ends, brought)
    return _of_hub(name, revision, report)


def _of_hub(name: str, revision: str | None, report: Report) -> Checkpoint:
    try:
        # A folder needs nothing of it, and its library takes a while to import.
        from bot.model.checkpoint.hub import fetch_beside, snapshot
    except ValueError as error:
        # The library reads its variables when it is imported.
        detail = f"a variable for the hub (HF_…) cannot be used ({described_error(error)})."
        raise ModelRefused("failed", detail) from error
    pinned = PINNED_REVISIONS.get(name)
    folder = snapshot(name, revision or pinned or "main", report)
    commit = folder.name  # a snapshot's folder is named after its commit
    try:
        configuration = _checked(folder)
        # The pinned revisions are known to have GPT-2's own tokenizer.
        if commit != pinned:
            fetch_beside(name, folder)
        brought = "gpt2" if commit == pinned else _brought(folder, configuration.vocabulary)
        ends = ends_of(folder, configuration)
    except ModelRefused as refused:
        if refused.reason == "failed":
            # The cache is trusted as it is.
            detail = f"{refused.detail} To download it again, delete {folder.parents[1]} first."
            raise ModelRefused("failed", detail) from refused
        raise
    return Checkpoint(name, commit, folder, f"commit:{commit}", configuration.vocabulary, ends, brought)


def own_tokenizer(checkpoint: Checkpoint) -> Tokenizer | None:
    """The checkpoint's tokenizer; None if it is GPT-2's own. Raises ModelRefused."""
    if checkpoint.tokenizer != "own":
        return None
    try:
        return tokenizer_files.own(checkpoint.folder, checkpoint.vocabulary)
    except OtherTokenizer as error:
        raise ModelRefused("not_gpt2", f"its tokenizer {error}.") from error
    except Exception as error:
        if system_reason(error):
            raise refusal(error) from error
        raise ModelRefused("failed", f"its tokenizer cannot be read ({described_error(error)}).") from error


def _looks_like_path(name: str) -> bool:
    return name.startswith((".", "/", "~")) or "\\" in name or name.count("/") > 1


def _checked(folder: Path) -> Configuration:
    """The configuration of the GPT-2 in ``folder``; ModelRefused if the bot cannot use it."""
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
    stored(folder, configuration)
    return configuration


def _brought(folder: Path, size: int) -> Brought:
    """Whose tokenizer ``folder`` has, for a model with ``size`` ids. Raises ModelRefused."""
    try:
        return tokenizer_files.brought(folder, size)
    except OtherTokenizer as error:
        raise ModelRefused("not_gpt2", f"its tokenizer {error}.") from error
    except tokenizer_files.UNREADABLE as error:
        if system_reason(error):
            raise refusal(error) from error
        raise ModelRefused("failed", "the files of its tokenizer cannot be read.") from error


def _digest(folder: Path, digests: Digests | None, report: Report) -> str:
    """SHA-256 over the weights and the configuration."""
    paths = [folder / "config.json", *sorted(folder.glob("*.safetensors"))]

    def compute() -> str:
        total = sum(path.stat().st_size for path in paths)
        digest, done = hashlib.sha256(), 0
        for path in paths:
            with path.open("rb") as file:
                while block := file.read(_HASH_BYTES):
                    digest.update(block)
                    done += len(block)
                    report(Loading("checking", done, total, "B"))
        return digest.hexdigest()

    return digests.of(paths, compute) if digests else compute()
