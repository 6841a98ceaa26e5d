"""The settings file: a mistake in it is an error, never a setting that is silently missing.

No error quotes a line: it may contain the token.
"""

from __future__ import annotations

import errno
import io
import os
import re
from collections.abc import Iterator
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import Binding, parse_stream

from bot.errors import SettingsFileUnusable

DEFAULT = Path(".env")
_LARGEST = 1_000_000  # bytes
_LINE_END = re.compile(r"\r\n|\n|\r")  # as python-dotenv counts lines


def read(file: Path | None) -> dict[str, str]:
    """Return the variables in ``file``, or in ``.env`` if that exists. Raises SettingsFileUnusable."""
    if file is None and not os.path.lexists(DEFAULT):
        return {}
    file = file or DEFAULT
    text = _text(file)
    _require_settings(file, list(parse_stream(io.StringIO(text))))
    return {name: value or "" for name, value in dotenv_values(stream=io.StringIO(text)).items()}


def _text(file: Path) -> str:
    try:
        if file.is_dir():  # Windows would say "permission denied"
            raise IsADirectoryError(errno.EISDIR, "")
        with file.open("rb") as opened:
            content = opened.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        raise SettingsFileUnusable(str(file), problem=_problem(file, error)) from None
    if len(content) > _LARGEST:
        raise SettingsFileUnusable(str(file), problem="it is larger than 1 MB")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:  # UTF-16 without a byte order mark
        raise SettingsFileUnusable(str(file), problem="it is not UTF-8 text")
    return text


def _problem(file: Path, error: OSError | ValueError) -> str:
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.ENOENT:
        return "it is a link to a missing file" if file.is_symlink() else "there is no such file"
    if number == errno.EISDIR:
        return "it is a folder; Docker creates one if the file to mount is missing"
    return f"it cannot be read ({os.strerror(number)})" if number else "it cannot be read"


def _require_settings(file: Path, bindings: list[Binding]) -> None:
    """Raise SettingsFileUnusable if a line sets nothing, or two set different values."""
    seen: dict[str, tuple[int, str]] = {}
    for binding, line in zip(bindings, _lines(bindings), strict=True):
        if binding.error or (binding.key is not None and binding.value is None):
            raise SettingsFileUnusable(str(file), problem=f"line {line} is not NAME=VALUE")
        if binding.key is None or binding.value is None:
            continue
        earlier, value = seen.get(binding.key, (line, ""))
        if value and value != binding.value:
            problem = f"lines {earlier} and {line} give one variable two values"
            raise SettingsFileUnusable(str(file), problem=problem)
        seen[binding.key] = line, binding.value


def _lines(bindings: list[Binding]) -> Iterator[int]:
    """Yield each binding's line number, past the blank lines that python-dotenv counts as part of it."""
    for binding in bindings:
        text = binding.original.string
        blank = text[: len(text) - len(text.lstrip())]
        yield binding.original.line + len(_LINE_END.findall(blank))
