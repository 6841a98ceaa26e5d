"""Files that other processes read while this one writes them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

#: What the names of unfinished files end with.
UNFINISHED = ".part"


@contextmanager
def replaced(path: Path) -> Iterator[BinaryIO]:
    """A new file that takes the place of ``path`` when the block ends, and is gone if the block fails.

    Nobody sees a part of it. Raises OSError.
    """
    number, name = tempfile.mkstemp(suffix=UNFINISHED, dir=path.parent)
    unfinished = Path(name)
    try:
        with os.fdopen(number, "wb") as file:
            yield cast("BinaryIO", file)
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink()
        raise
