"""Lines of text beside progress bars, on one terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from tqdm import tqdm


@contextmanager
def bars_aside(stream: TextIO | None) -> Iterator[None]:
    """Take the bars off the terminal while a line is written to ``stream``; otherwise it follows theirs."""
    if stream is None or stream.closed or not stream.isatty():
        yield
        return
    with tqdm.external_write_mode(file=stream):
        yield
