"""The guard against values in what is written, put in place and taken away again."""

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

# A password that was not escaped has the first before what should have been, and the second behind it.
PARTS = ("kestrel", "osprey")


def has_a_part(output: str) -> bool:
    return any(part in output for part in PARTS)


@contextmanager
def put_back() -> Iterator[pytest.MonkeyPatch]:
    """What ``main`` changes of the process is as it was before in the end."""
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
