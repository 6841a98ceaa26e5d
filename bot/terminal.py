"""What the process prints: readable in whatever encoding the terminal, file or pipe has."""

from __future__ import annotations

import codecs
import io
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from bot.errors import OutputLost

_HANDLER = "tokenwise"
# What cards draw. Any other sign may be of a token, so it is shown by its number instead.
_DRAWN = (
    dict.fromkeys(map(ord, "█▉▊▋▌▰"), "#")
    | dict.fromkeys(map(ord, "▍▎▏"), ":")
    | dict.fromkeys(map(ord, "─–−"), "-")
    | dict.fromkeys(map(ord, "░▱"), ".")
    | {ord("·"): "|", ord("×"): "x", ord("→"): "->", ord("←"): "<-", ord("▶"): ">", ord("▁"): "_"}
    | dict.fromkeys((0x2068, 0x2069), "")  # they hold apart what is read from right to left
    | {ord("…"): "...", ord("₂"): "2", ord("\N{NO-BREAK SPACE}"): " "}
)


def stand_in() -> None:
    """Put nothing in the place of each standard stream that is closed; to be called before a file is opened.

    Otherwise the next file or pipe takes its number and gets what is printed, and there is no log.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    if sys.stdout is None:
        sys.stdout = _nothing()
    if sys.stderr is None:
        sys.stderr = _nothing()


def _nothing() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")  # it stays open as long as the process


def adapt(*streams: TextIO | None) -> None:
    """Let signs that a stream's encoding lacks be replaced there; Windows and LC_ALL=C lack many."""
    codecs.register_error(_HANDLER, _replaced)
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


def say(text: object, *, to: TextIO | None = None) -> None:
    """Print one or more lines to stdout, at once.

    BrokenPipeError if the reader is gone, OutputLost if they cannot be written for another reason.
    """
    try:
        print(text, file=to, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputLost(os.strerror(error.errno) if error.errno else type(error).__name__) from error


def complain(text: object) -> None:
    """As ``say``, on stderr; where that cannot be written, there is no place left to say so."""
    with suppress(OSError, OutputLost):
        say(text, to=sys.stderr)


def settle() -> None:
    """Let nothing that could not be written to stdout be an error at the exit."""
    if sys.stdout is None:  # closed from the beginning
        return
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def typed(argument: str) -> str:
    """An argument as it was typed: what is no text in the locale's encoding is read as UTF-8."""
    is_read = not any("\udc80" <= sign <= "\udcff" for sign in argument)
    return argument if is_read else os.fsencode(argument).decode(errors="replace")


def _replaced(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end].translate(_DRAWN)
    return lacking.encode("ascii", "backslashreplace").decode("ascii"), error.end
