"""A model on the Hugging Face Hub → its folder in the local cache, downloaded if necessary."""

from __future__ import annotations

import json
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx2
from huggingface_hub import constants, get_cached_repo_tree, snapshot_download
from huggingface_hub.errors import (
    CachedRepoTreeNotFoundError,
    DisabledRepoError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.file_download import repo_folder_name
from tqdm.auto import tqdm

from bot.errors import UnusableReason, chain
from bot.model.checkpoint import tokenizer_files
from bot.model.checkpoint.configuration import GENERATION
from bot.model.checkpoint.refusal import ModelRefused, described_error, refusal, system_reason
from bot.model.checkpoint.weights import INDEX, missing
from bot.model.protocol import Loading, Report

_FILES = ["config.json", "model.safetensors", "model-*.safetensors", INDEX]
_BESIDE = [GENERATION, *tokenizer_files.FILES]
# Statuses worth a retry, besides 500 and above, which are the hub's own faults.
_PASSING = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}


def snapshot(name: str, revision: str, report: Report) -> Path:
    """The folder of a hub model at ``revision``, without the network if it is fully cached.

    Raises ModelRefused.
    """
    try:
        cached = Path(
            snapshot_download(name, revision=revision, allow_patterns=_FILES, local_files_only=True)
        )
        if missing(cached) is None:
            return cached
    except HFValidationError as error:
        raise ModelRefused("not_found", "it is neither a folder nor the name of a hub model.") from error
    except LocalEntryNotFoundError:
        pass
    return _download(name, revision, report)


def _download(name: str, revision: str, report: Report) -> Path:
    report(Loading("downloading", 0, 0, "B"))
    try:
        folder = Path(
            snapshot_download(name, revision=revision, allow_patterns=_FILES, tqdm_class=_reporting(report))
        )
    except Exception as error:
        raise _refusal(error, name, revision) from error
    # When the hub is away, the library returns the cache even if files are missing from it.
    if missing(folder) is not None and _listed(name, folder.name) is None:
        raise _not_fetched(name, "the Hugging Face Hub cannot be reached")
    return folder


def fetch_beside(name: str, folder: Path) -> None:
    """Fetch the other files that the hub has for ``folder``, without the network if they are there.

    Snapshots made by older versions hold only the weights, but the tokenizer decides what a
    model reads. Raises ModelRefused.
    """
    if not _lacks_beside(name, folder):
        return
    try:
        snapshot_download(name, revision=folder.name, allow_patterns=_BESIDE)
    except Exception as error:
        raise _refusal(error, name, folder.name) from error
    if _lacks_beside(name, folder):
        raise _not_fetched(name, "the Hugging Face Hub cannot be reached")


def _lacks_beside(name: str, folder: Path) -> bool:
    """Whether the hub has more files; if it never listed them, a tokenizer in the folder means no."""
    listed = _listed(name, folder.name)
    if listed is None:
        return not any((folder / file).is_file() for file in tokenizer_files.READ)
    return any(file in listed and not (folder / file).is_file() for file in _BESIDE)


def _listed(name: str, commit: str) -> set[str] | None:
    """The files that the hub listed; None if it never did."""
    try:
        return {file.path for file in get_cached_repo_tree(name, revision=commit)}
    except CachedRepoTreeNotFoundError:
        return None


def _refusal(error: Exception, name: str, revision: str) -> ModelRefused:
    for link in chain(error):
        if isinstance(link, LocalEntryNotFoundError):
            continue  # it says only that the cache lacks it; its cause says why the hub did not help
        if isinstance(link, HfHubHTTPError):
            return _answered(link, name, revision)
        if cause := _away(link):
            return _not_fetched(name, cause)
        if isinstance(link, OfflineModeIsEnabled):
            detail = "it is not in the local cache, and HF_HUB_OFFLINE forbids downloads."
            return ModelRefused("forbidden", detail)
        if _is_no_address(link):
            detail = f"HF_ENDPOINT or the address of a proxy cannot be used ({described_error(link)})."
            return ModelRefused("failed", detail)
        if system_reason(link):
            return refusal(link)
    return _not_fetched(name, f"the download failed ({described_error(error)})")


def _is_no_address(error: BaseException) -> bool:
    # For a proxy's address httpx raises an ordinary error, or one about a module it lacks.
    of_a_proxy = isinstance(error, (ValueError, ImportError)) and "proxy" in str(error).lower()
    return of_a_proxy or isinstance(error, (httpx2.UnsupportedProtocol, httpx2.InvalidURL))


def _answered(error: HfHubHTTPError, name: str, revision: str) -> ModelRefused:
    """The refusal for an answer from the hub that is not the model."""
    status = error.response.status_code
    sent_token = "authorization" in error.response.request.headers
    if status in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        busy = "is busy" if status == HTTPStatus.TOO_MANY_REQUESTS else "is having problems"
        return _not_fetched(name, f"the Hugging Face Hub {busy} ({_named(status)})")
    reason: UnusableReason = "forbidden"
    # The hub answers 401 to an unknown token, no matter what was requested.
    if status == HTTPStatus.UNAUTHORIZED and sent_token:
        detail = "the Hugging Face Hub does not accept the access token: renew or remove HF_TOKEN."
    elif isinstance(error, GatedRepoError):
        detail = "its hub page asks you to accept terms: accept them, then set HF_TOKEN."
    elif isinstance(error, DisabledRepoError):
        detail = "it has been disabled on the Hugging Face Hub."
    elif isinstance(error, RepositoryNotFoundError) or status == HTTPStatus.UNAUTHORIZED:
        reason = "not_found"
        detail = "there is no such folder, and the Hugging Face Hub has no such public model."
    elif isinstance(error, RevisionNotFoundError):
        reason, detail = "not_found", f"the hub model has no revision {revision}."
    elif status == HTTPStatus.FORBIDDEN:
        detail = "the Hugging Face Hub does not let HF_TOKEN read it: give the token that permission."
    else:
        detail = f"the Hugging Face Hub refuses it ({_named(status)}): check MODEL and HF_ENDPOINT."
    return ModelRefused(reason, detail)


def _away(error: BaseException) -> str | None:
    """What blocks the way to the hub, if ``error`` is about that."""
    if isinstance(error, json.JSONDecodeError):
        return "what answers there is not the Hugging Face Hub"
    if not isinstance(error, httpx2.RequestError) or isinstance(error, httpx2.UnsupportedProtocol):
        return None
    if isinstance(error, httpx2.ProxyError):
        return f"the proxy does not let the bot through to the Hugging Face Hub ({described_error(error)})"
    if isinstance(error, httpx2.TimeoutException):
        return "the Hugging Face Hub does not answer in time"
    if "CERTIFICATE" in str(error).upper():
        return f"the Hugging Face Hub's certificate is not trusted ({described_error(error)})"
    return "the Hugging Face Hub cannot be reached"


def _not_fetched(name: str, cause: str) -> ModelRefused:
    base = Path(constants.HF_HUB_CACHE, repo_folder_name(repo_id=name, repo_type="model"))
    begun = any(base.glob("snapshots/*/*")) or any(base.glob("blobs/*"))
    if begun:
        return ModelRefused("not_fetched", f"it could not be downloaded completely, as {cause}.")
    return ModelRefused("not_fetched", f"it is not in the local cache and {cause}.")


def _named(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _reporting(report: Report) -> type[tqdm[Any]]:
    """A progress bar class that draws nothing and reports bytes instead."""
    furthest = 0

    class ReportingBar(tqdm):  # type: ignore[type-arg]  # not generic at run time
        def display(self, msg: str | None = None, pos: int | None = None) -> None:
            # One bar counts the bytes received, another those written.
            nonlocal furthest
            if self.unit == "B" and self.total and self.n > furthest:
                furthest = int(self.n)
                report(Loading("downloading", furthest, int(self.total), "B"))

        def clear(self, nolock: bool = False) -> None:
            """Do nothing: there is nothing on the screen."""

        def close(self) -> None:
            # tqdm's own method would print a line break.
            self.disable = True

    return ReportingBar
