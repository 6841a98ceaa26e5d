"""The files that are shipped with the bot, and whether they are what they should be.

``bot/data/SHA256SUMS`` lists them as ``sha256sum --check`` reads it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from bot.errors import ShippedFileAltered

DATA = Path(__file__).parent / "data"
SUMS = "SHA256SUMS"


def check(folder: Path = DATA) -> None:
    """ShippedFileAltered for the first that is missing or is another file; some 50 ms for all."""
    for name, expected in listed(folder):
        file = folder / name
        if not file.is_file():
            raise ShippedFileAltered(name, problem="is missing")
        if digest(file) != expected:
            raise ShippedFileAltered(name, problem="is not the one that was shipped (its SHA-256 differs)")


def listed(folder: Path = DATA) -> Iterator[tuple[str, str]]:
    """Each file's name below ``folder`` and its SHA-256 in hexadecimal."""
    try:
        lines = (folder / SUMS).read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        raise ShippedFileAltered(SUMS, problem="cannot be read") from None
    for line in lines:
        expected, _, name = line.partition("  ")
        yield name, expected


def digest(file: Path) -> str:
    """Its SHA-256 in hexadecimal."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
