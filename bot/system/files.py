"""Files that other processes read while this one writes them."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

#: What the names of unfinished files end with.
UNFINISHED = ".part"


@contextmanager
def replaced(path: Path) -> Iterator[BinaryIO]:
    """A new file that takes the place of ``path`` when the block ends, and is gone if the block fails.

    Nobody sees a part of it. Raises OSError.
    """
    number, name = tempfile.mkstemp(UNFINISHED, _own_prefix(), path.parent)
    unfinished = Path(name)
    try:
        with os.fdopen(number, "wb") as file:
            yield cast("BinaryIO", file)
        unfinished.replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            unfinished.unlink()
        raise


def discard_unfinished(folder: Path) -> None:
    """Delete what this process has not finished in ``folder``: for one that ends without its blocks' ends."""
    with suppress(OSError):
        for path in folder.iterdir():
            if path.name.startswith(_own_prefix()) and path.suffix == UNFINISHED:
                path.unlink(missing_ok=True)


def distrusted(folder: Path) -> str:
    """Why nothing in ``folder`` can be trusted, since others may write to it; empty if they may not.

    Raises OSError.
    """
    if sys.platform == "win32":
        return ""
    status = folder.stat()
    if status.st_uid not in (os.geteuid(), 0):
        return "its folder belongs to another user"
    return "others may write to its folder" if status.st_mode & 0o002 else ""


def _own_prefix() -> str:
    """What no other's unfinished files begin with; processes in two containers may have the same number."""
    return f"{platform.node()}-{os.getpid()}-"
