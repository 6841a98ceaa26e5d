"""What the operator reads: plain lines or JSON, each with the interaction that it belongs to.

Nothing that people wrote gets in, and no secret: an exception is told by its kind
and where it was raised, without its text, which may quote anything; and a token
that came into a record nevertheless is blanked in what is written.
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

from bot.errors import chain

log = logging.getLogger(__name__)

Form = Literal["plain", "json"]

NO_REQUEST = "-"
BLANK = "[secret]"
# Interactions and webhooks are answered at addresses that hold their token.
_ADDRESS = re.compile(r"(/(?:webhooks|interactions)/\d+/)[\w.~%+=-]+")
# Shorter ones may be in any word.
_SHORTEST_SECRET = 6
_CODES = ("status", "code", "errno")

_request: ContextVar[str] = ContextVar("request", default=NO_REQUEST)

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def request() -> str:
    """The id of the interaction for which the current task works, or NO_REQUEST."""
    return _request.get()


def belongs_to(request: str) -> None:
    """From now on what the current task logs belongs to ``request``, and what the tasks that it makes log."""
    _request.set(request)


@contextmanager
def belonging_to(request: str) -> Iterator[None]:
    """As :func:`belongs_to`, for the block."""
    before = _request.set(request)
    try:
        yield
    finally:
        _request.reset(before)


class Handler(logging.StreamHandler[TextIO]):
    """The one that writes the log; what it cannot write it does not show in other ways."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        # logging's own prints what the record was given.
        error = sys.exc_info()[1]
        why = named(error) if error is not None else "no reason"
        with suppress(OSError, ValueError):
            self.stream.write(f"a record of {record.name} could not be written ({why})\n")


def configure(*, level: str, discord_level: str, form: Form, secrets: Iterable[str] = ()) -> None:
    """Log to stderr from now on: the bot from ``level``, discord.py from ``discord_level``.

    What an earlier call said no longer holds. DEBUG is off for everybody, whatever level somebody
    sets: there, discord.py tells tokens and prompts, and the database what is stored.
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
    """Of records that have a ``request``; ``secrets`` are blanked."""
    # The longest first, for one may be a part of another.
    blanked = sorted({secret for secret in secrets if len(secret) >= _SHORTEST_SECRET}, key=len, reverse=True)
    if form == "json":
        return _JSON(tuple(json.dumps(secret)[1:-1] for secret in blanked))
    return _Plain(tuple(blanked))


def unhandled(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what no task has handled; an event loop's exception handler.

    asyncio's own shows exceptions and what callbacks were given as they are.
    """
    what = "a callback failed" if "handle" in context else context["message"]
    log.error("the event loop: %s", what, exc_info=context.get("exception"))


def named(error: BaseException) -> str:
    """The kind of ``error``, with the numbers that Discord or the system gave it."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    # Not what is computed when it is asked for: aiohttp warns where it is asked for a code.
    told = [code for code in _CODES if not isinstance(getattr(kind, code, None), property)]
    codes = [f"{code} {number}" for code in told if isinstance(number := getattr(error, code, None), int)]
    return f"{name} ({', '.join(codes)})" if codes else name


def traced(error: BaseException) -> str:
    """Where ``error`` and what led to it were raised, and of which kind they are."""
    told = [
        f"Traceback (most recent call last):\n{''.join(traceback.format_tb(link.__traceback__))}{named(link)}"
        for link in chain(error)
    ]
    return "\n\nwhich led to\n\n".join(reversed(told))


def _add_request(record: logging.LogRecord) -> bool:
    record.request = request()
    return True


class _Discreet(logging.Formatter):
    """Leaves out the texts of exceptions, and blanks tokens in all that is left."""

    _secrets: tuple[str, ...]  # as they are written

    def format(self, record: logging.LogRecord) -> str:
        record = copy.copy(record)
        record.exc_text = None  # by another formatter
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
