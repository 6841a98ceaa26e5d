"""The worker's ends of the two pipes to its parent."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import NoReturn

from bot.model.protocol import FromWorker, Message
from bot.model.wire import HEADER, body_length, decode, encode


class Pipe:
    """The pipes to the parent, taken over from stdin and stdout.

    Afterwards descriptor 0 is empty and descriptor 1 is stderr, so neither a print
    nor a library's C code can write between the frames. When the parent goes, the process
    ends at once: ``tidy`` is all that it does before.
    """

    def __init__(self, tidy: Callable[[], None] = lambda: None) -> None:
        # The exit status once the parent is gone.
        self.status = 0
        self._tidy = tidy
        self._in = os.dup(0)
        self._out = os.dup(1)
        self._lock = threading.Lock()
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)

    def send(self, messages: Iterable[FromWorker]) -> None:
        """Write all ``messages`` in one go; thread-safe."""
        frames = memoryview(b"".join(encode(message) for message in messages))
        with self._lock:
            try:
                while frames:
                    frames = frames[os.write(self._out, frames) :]
            except BrokenPipeError:
                self.end()

    def end(self) -> NoReturn:
        """End the process at once: the parent is gone."""
        self._tidy()
        os._exit(self.status)

    def receive(self) -> Iterator[Message]:
        """Yield messages until the parent is gone; ProtocolError for a frame that is no message."""
        while (header := self._read(HEADER.size)) and (body := self._read(body_length(header))):
            yield decode(body)

    def _read(self, size: int) -> bytes:
        """Read exactly ``size`` bytes; none at the end of the stream."""
        parts = []
        while size:
            part = os.read(self._in, size)
            if not part:
                # A parent that dies while writing leaves half a frame.
                return b""
            parts.append(part)
            size -= len(part)
        return b"".join(parts)
