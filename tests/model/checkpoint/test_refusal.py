"""Messages of libraries and the system become one short line without secrets."""

from __future__ import annotations

import errno
import os

import pytest

from bot.errors import UnusableReason
from bot.model.checkpoint.refusal import ModelRefused, described_error, refusal


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), "no_memory"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "no_memory"),
        (
            RuntimeError("[enforce fail] . DefaultCPUAllocator: can't allocate memory: you\ntried"),
            "no_memory",
        ),
        (RuntimeError("unable to mmap 12 bytes from file </x>: Cannot allocate memory (12)"), "no_memory"),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes."), "no_memory"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk_full"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "disk_full"),
        (Exception("I/O error: No space left on device (os error 28)"), "disk_full"),
        (PermissionError(errno.EACCES, "Permission denied"), "forbidden"),
        (OSError(errno.EROFS, "Read-only file system"), "forbidden"),
        (OSError(errno.EIO, "Input/output error"), "disk_error"),
        (OSError(errno.ESTALE, "Stale file handle"), "disk_error"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory"), "not_found"),
        (OSError(errno.EMFILE, "Too many open files"), "fault"),
        (RuntimeError("can't start new thread"), "fault"),
        (ValueError(), "fault"),
    ],
)
def test_an_error_has_its_reason(error: Exception, reason: UnusableReason) -> None:
    assert refusal(error).reason == reason


def test_the_cause_of_an_error_can_give_the_reason() -> None:
    error = RuntimeError("the layer cannot be packed")
    error.__cause__ = MemoryError()
    assert refusal(error).detail == "there is not enough memory to load it (MemoryError)."


def test_a_cycle_of_causes_ends() -> None:
    error = RuntimeError("in a circle")
    error.__cause__ = error
    assert refusal(error).detail == "loading it failed (RuntimeError: in a circle)."


def test_line_breaks_and_control_characters_are_removed() -> None:
    raw = "four\n\n raw\r\n\tlines\x1b[31m\x00"
    assert described_error(ValueError(raw)) == "ValueError: four raw lines�[31m�"
    assert ModelRefused("failed", raw).detail == "four raw lines�[31m�"


def test_a_long_text_is_clipped() -> None:
    assert described_error(ValueError("x" * 1000)) == "ValueError: " + "x" * 119 + "…"
    assert len(ModelRefused("failed", "x" * 10**6).detail) == 400


@pytest.mark.parametrize(
    "text",
    [
        "Illegal header value b'Bearer hf_hunter2hunter2'",
        "Unknown scheme for proxy URL socks9://ada:hunter2@10.0.0.1:3128",
        "x" * 100 + " https://hunter2hunter2@hub.example/" + "y" * 1000,
    ],
)
def test_no_token_or_password_is_quoted(text: str) -> None:
    assert "hunter2" not in described_error(ValueError(text))
    assert "hunter2" not in ModelRefused("failed", text).detail


def test_this_system_s_messages_are_recognized() -> None:
    assert refusal(RuntimeError(f"reading failed: {os.strerror(errno.EIO)} (5)")).reason == "disk_error"
