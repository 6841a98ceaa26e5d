"""Printing: readable in any encoding that the terminal, file or pipe may have."""

from __future__ import annotations

import codecs
import io
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from bot.errors import OutputLost
from bot.logs import bars_aside

_HANDLER = "tokenwise"
# What cards draw. Any other character may be part of a token, so it appears as its number instead.
_DRAWN = (
    dict.fromkeys(map(ord, "█▉▊▋▌▰"), "#")
    | dict.fromkeys(map(ord, "▍▎▏"), ":")
    | dict.fromkeys(map(ord, "─–−"), "-")
    | dict.fromkeys(map(ord, "░▱"), ".")
    | {ord("·"): "|", ord("×"): "x", ord("→"): "->", ord("←"): "<-", ord("▶"): ">", ord("▁"): "_"}
    | dict.fromkeys((0x2068, 0x2069), "")  # isolates around text that is read from right to left
    | {ord("…"): "...", ord("₂"): "2", ord("\N{NO-BREAK SPACE}"): " "}
)


def stand_in() -> None:
    """Open the null device for each standard stream that is closed. Call this before any file is opened.

    Otherwise the next file or pipe gets that stream's number and everything that is printed or logged.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
    if sys.stdout is None:
        sys.stdout = _nothing()
    if sys.stderr is None:
        sys.stderr = _nothing()


def _nothing() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")  # stays open as long as the process


def adapt(*streams: TextIO | None) -> None:
    """Replace characters that a stream's encoding lacks. Windows' and LC_ALL=C's lack many."""
    codecs.register_error(_HANDLER, _replaced)
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


def say(text: object, *, to: TextIO | None = None) -> None:
    """Print one or more lines to stdout and flush them.

    Raises BrokenPipeError if the reader is gone, OutputLost if writing fails for another reason.
    """
    try:
        with bars_aside(to or sys.stdout):
            print(text, file=to, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputLost(os.strerror(error.errno) if error.errno else type(error).__name__) from error


def complain(text: object) -> None:
    """Print to stderr. If that fails, there is nowhere left to say so."""
    with suppress(OSError, OutputLost):
        say(text, to=sys.stderr)


def settle() -> None:
    """Keep output that could not be written from raising an error at exit."""
    if sys.stdout is None:  # closed from the start
        return
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def typed(argument: str) -> str:
    """Return an argument as it was typed: as UTF-8 if it is not valid in the locale's encoding."""
    is_valid = not any("\udc80" <= character <= "\udcff" for character in argument)
    return argument if is_valid else os.fsencode(argument).decode(errors="replace")


def _replaced(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end].translate(_DRAWN)
    return lacking.encode("ascii", "backslashreplace").decode("ascii"), error.end
