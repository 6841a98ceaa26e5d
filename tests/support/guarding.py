"""Installs the guard against secrets in output for one test, and removes it again."""

from __future__ import annotations

import io
import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr

import pytest

from bot import logs
from bot.system.guard import guard

# The parts of a password before and after a character that should have been escaped.
PARTS = ("kestrel", "osprey")


def has_a_part(output: str) -> bool:
    return any(part in output for part in PARTS)


@contextmanager
def put_back() -> Iterator[pytest.MonkeyPatch]:
    """Restore at the end what ``main`` changes in the process."""
    root, named = logging.getLogger(), [logging.getLogger(name) for name in ("bot", "discord")]
    levels = [logger.level for logger in named]
    with pytest.MonkeyPatch.context() as patch:
        for module, hook in (
            (sys, "excepthook"),
            (sys, "unraisablehook"),
            (threading, "excepthook"),
            (warnings, "showwarning"),
        ):
            patch.setattr(module, hook, getattr(module, hook))
        try:
            yield patch
        finally:
            logging.disable(logging.NOTSET)
            for logger, level in zip(named, levels, strict=True):
                logger.setLevel(level)
            for handler in [one for one in root.handlers if isinstance(one, logs.Handler)]:
                root.removeHandler(handler)


@contextmanager
def guarded() -> Iterator[io.StringIO]:
    output = io.StringIO()
    with put_back(), redirect_stderr(output):
        guard()
        yield output
