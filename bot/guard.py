"""Nothing that goes wrong shows what it was given: in place before a setting is read.

Python's own reports print the texts of exceptions and warnings, and those may quote anything:
an address with its password, a prompt. Here they say of which kind it was and where it came from.
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
    """From now on, whatever is reported without being asked for goes to the log, and says nothing private.

    Secrets are blanked only once :func:`bot.logs.configure` knows them.
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
    # What it happened in is left out: its repr may show anything.
    log.error("an exception could not be raised", exc_info=failure.exc_value)


def _warned(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    log.warning("%s at %s:%d", category.__name__, filename, lineno)
