"""Why a model cannot be used, in one sentence for the operator.

Messages of libraries and servers can be long, have many lines and quote a secret, so they all go
through :class:`ModelRefused` or :func:`described_error`.
"""

from __future__ import annotations

import errno
import os
import re

from bot.errors import UnusableReason, chain
from bot.quoting import one_line

_LONGEST_DETAIL = 400
_LONGEST_QUOTE = 120
# No message needs more, and the search for secrets takes time.
_LONGEST_TEXT = 10_000
_CREDENTIALS = re.compile(r"(?<=://)[^\s/@]+@")
_TOKEN = re.compile(r"\bhf_\w{4,}")

# The reason behind each of the system's error numbers.
_REASONS: dict[int, UnusableReason] = {
    errno.ENOMEM: "no_memory",
    errno.ENOSPC: "disk_full",
    errno.EDQUOT: "disk_full",
    errno.EACCES: "forbidden",
    errno.EPERM: "forbidden",
    errno.EROFS: "forbidden",
    errno.EIO: "disk_error",
    errno.ENODEV: "disk_error",
    errno.ESTALE: "disk_error",
    errno.ENOENT: "not_found",
    errno.ENOTDIR: "not_found",
    errno.ENAMETOOLONG: "not_found",
    errno.ELOOP: "not_found",
}

_SENTENCES: dict[UnusableReason, str] = {
    "no_memory": "there is not enough memory to load it",
    "disk_full": "the disk is full",
    "forbidden": "the bot has no permission for its files",
    "disk_error": "the disk fails to read or write its files",
    "not_found": "one of its files cannot be found",
}


class ModelRefused(Exception):
    """A model that cannot be used; ``detail`` is one sentence for the operator."""

    def __init__(self, reason: UnusableReason, detail: str) -> None:
        self.reason: UnusableReason = reason
        self.detail = one_line(_without_secrets(detail), _LONGEST_DETAIL)
        super().__init__(self.detail)


def refusal(error: BaseException) -> ModelRefused:
    """The refusal for ``error``, raised anywhere while the model was loaded."""
    for link in chain(error):
        if reason := system_reason(link):
            return ModelRefused(reason, f"{_SENTENCES[reason]} ({described_error(link)}).")
    return ModelRefused("fault", f"loading it failed ({described_error(error)}).")


def system_reason(error: BaseException) -> UnusableReason | None:
    """The reason if the system failed to provide memory, a disk or a file; None for other errors."""
    if isinstance(error, MemoryError):
        return "no_memory"
    if isinstance(error, OSError) and error.errno is not None:
        return _REASONS.get(error.errno)
    # torch and safetensors raise their own errors with the system's message.
    text = str(error)
    if "can't allocate memory" in text or "not enough memory" in text:
        return "no_memory"
    return next((reason for number, reason in _REASONS.items() if os.strerror(number) in text), None)


def described_error(error: BaseException) -> str:
    """The type and message of ``error``, on one short line."""
    words = one_line(_without_secrets(str(error)), _LONGEST_QUOTE).rstrip(".")
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def _without_secrets(text: str) -> str:
    """The beginning of ``text``, with credentials and access tokens blanked."""
    return _TOKEN.sub("hf_…", _CREDENTIALS.sub("…@", text[:_LONGEST_TEXT]))
