"""The operator's log: plain lines or JSON, each with the interaction it belongs to.

It contains nothing that people wrote, and no secrets. An exception appears as its kind and where it was
raised, without its text, which may quote anything; and any token that gets into a record is blanked.
"""

from __future__ import annotations

import asyncio
import copy
import json
import logging
import re
import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Literal, TextIO

from pythonjsonlogger.json import JsonFormatter
from tqdm import tqdm

from bot.errors import chain

log = logging.getLogger(__name__)

Form = Literal["plain", "json"]

NO_REQUEST = "-"
BLANK = "[secret]"
# The URLs that answer interactions and webhooks contain their token.
_ADDRESS = re.compile(r"(/(?:webhooks|interactions)/\d+/)[\w.~%+=-]+")
# Shorter ones may be part of any word.
_SHORTEST_SECRET = 6
_CODES = ("status", "code", "errno")

_request: ContextVar[str] = ContextVar("request", default=NO_REQUEST)

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def request() -> str:
    """Return the id of the interaction that the current task works for, or NO_REQUEST."""
    return _request.get()


def belongs_to(request: str) -> None:
    """From now on, mark records of the current task, and of tasks it creates, as belonging to ``request``."""
    _request.set(request)


@contextmanager
def belonging_to(request: str) -> Iterator[None]:
    """Do as :func:`belongs_to`, for the block."""
    before = _request.set(request)
    try:
        yield
    finally:
        _request.reset(before)


@contextmanager
def bars_aside(stream: TextIO | None) -> Iterator[None]:
    """Take the bars off the terminal while a line is written to ``stream``; otherwise it follows theirs."""
    if stream is None or stream.closed or not stream.isatty():
        yield
        return
    with tqdm.external_write_mode(file=stream):
        yield


class Handler(logging.StreamHandler[TextIO]):
    """Writes the log; a record that it cannot write is not shown anywhere else."""

    def emit(self, record: logging.LogRecord) -> None:
        with bars_aside(self.stream):
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        # The inherited one prints the record's arguments.
        error = sys.exc_info()[1]
        why = named(error) if error is not None else "no reason"
        with suppress(OSError, ValueError):
            self.stream.write(f"a record of {record.name} could not be written ({why})\n")


def configure(*, level: str, discord_level: str, form: Form, secrets: Iterable[str] = ()) -> None:
    """Log to stderr from now on: the bot from ``level``, discord.py from ``discord_level``.

    This replaces what an earlier call set. DEBUG is off for every logger and cannot be switched on: there,
    discord.py logs tokens and prompts, and the database logs what it stores.
    """
    logging.disable(logging.DEBUG)
    root = logging.getLogger()
    handler = next((one for one in root.handlers if isinstance(one, Handler)), None)
    if handler is None:
        handler = Handler()
        handler.addFilter(_add_request)
        root.addHandler(handler)
    handler.setFormatter(formatter(form, secrets))
    logging.getLogger("bot").setLevel(level)
    logging.getLogger("discord").setLevel(discord_level)


def formatter(form: Form, secrets: Iterable[str] = ()) -> logging.Formatter:
    """Return a formatter for records that have a ``request``. It blanks the ``secrets``."""
    # The longest first: one may be part of another.
    blanked = sorted({secret for secret in secrets if len(secret) >= _SHORTEST_SECRET}, key=len, reverse=True)
    if form == "json":
        return _JSON(tuple(json.dumps(secret)[1:-1] for secret in blanked))
    return _Plain(tuple(blanked))


def unhandled(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what no task has handled: an exception handler for event loops.

    asyncio's own prints exceptions and the arguments of callbacks.
    """
    what = "a callback failed" if "handle" in context else context["message"]
    log.error("the event loop: %s", what, exc_info=context.get("exception"))


def named(error: BaseException) -> str:
    """Name the kind of ``error``, with the numbers that Discord or the system gave it."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    # Not computed ones: aiohttp warns when its code is read.
    stored = [code for code in _CODES if not isinstance(getattr(kind, code, None), property)]
    codes = [f"{code} {number}" for code in stored if isinstance(number := getattr(error, code, None), int)]
    return f"{name} ({', '.join(codes)})" if codes else name


def traced(error: BaseException) -> str:
    """Format where ``error`` and its causes were raised, and their kinds."""
    tracebacks = [
        f"Traceback (most recent call last):\n{''.join(traceback.format_tb(link.__traceback__))}{named(link)}"
        for link in chain(error)
    ]
    return "\n\nwhich led to\n\n".join(reversed(tracebacks))


def _add_request(record: logging.LogRecord) -> bool:
    record.request = request()
    return True


class _Discreet(logging.Formatter):
    """Omits the texts of exceptions, and blanks tokens in the rest."""

    _secrets: tuple[str, ...]  # as they are written

    def format(self, record: logging.LogRecord) -> str:
        record = copy.copy(record)
        record.exc_text = None  # another formatter may have set it
        written = _ADDRESS.sub(rf"\1{BLANK}", super().format(record))
        for secret in self._secrets:
            written = written.replace(secret, BLANK)
        return written

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802 - logging's name
        return traced(ei[1]) if ei[1] is not None else ""


class _Plain(_Discreet):
    def __init__(self, secrets: tuple[str, ...]) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(request)s %(name)s: %(message)s")
        self._secrets = secrets


class _JSON(_Discreet, JsonFormatter):
    def __init__(self, secrets: tuple[str, ...]) -> None:
        JsonFormatter.__init__(
            self,
            ["levelname", "name", "request", "message"],
            timestamp="time",
            rename_fields={"levelname": "level", "name": "logger", "exc_info": "exception"},
        )
        self._secrets = secrets
