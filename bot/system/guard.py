"""Reports of uncaught errors that reveal no values, in place before any setting is read.

Python's own reports print the texts of exceptions and warnings, which may quote anything: a URL with its
password, a prompt. These name only the kind of error and where it was raised.
"""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from types import TracebackType
from typing import TextIO

from bot import logs

log = logging.getLogger(__name__)


def guard() -> None:
    """From now on, send Python's own reports to the log, without anything private.

    Secrets are blanked once :func:`bot.logs.configure` knows them.
    """
    logs.configure(level="WARNING", discord_level="WARNING", form="plain")
    sys.excepthook = _uncaught
    sys.unraisablehook = _unraisable
    threading.excepthook = _uncaught_in_thread
    warnings.showwarning = _warned


def _uncaught(_kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    log.critical("ended by an uncaught exception", exc_info=error)


def _uncaught_in_thread(caught: threading.ExceptHookArgs) -> None:
    if caught.exc_value is not None and not isinstance(caught.exc_value, SystemExit):
        log.critical("a thread ended by an uncaught exception", exc_info=caught.exc_value)


def _unraisable(failure: sys.UnraisableHookArgs) -> None:
    # Without the object it happened in: its repr may show anything.
    log.error("ignored an exception that could not be raised", exc_info=failure.exc_value)


def _warned(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    log.warning("%s at %s:%d", category.__name__, filename, lineno)
