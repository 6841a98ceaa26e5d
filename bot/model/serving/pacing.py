"""A text's events as chunks of a stream: few, because each costs its way; never silent for long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from bot.model import wire
from bot.model.protocol import Capacity, Ended, Rejected, Stepped

APART = 0.1  # seconds between two chunks
EACH = 0.03  # seconds between two chunks of any texts: a chunk takes some milliseconds of processor time
LONGEST = 1.0  # seconds between two chunks, with any number of texts: people see a text grow once a second
QUIET = 2.0  # seconds without a chunk, after which one says that the connection lives


@dataclass(eq=False)
class Paced:
    """``events`` as frames, several to a chunk: the first at once, others ``apart`` seconds from each other,
    or up to ``longest`` if ``texts`` says that there are many.

    After ``quiet`` seconds without an event a chunk has ``sign``'s message. An event that is an exception
    ends the stream, which raises it. Reads ``events`` in a task of its own, for as long as it is iterated.
    """

    events: AsyncIterator[Stepped | Ended | Rejected]
    sign: Callable[[], Awaitable[Capacity]]
    apart: float = APART
    longest: float = LONGEST
    quiet: float = QUIET
    texts: Callable[[], int] = lambda: 1
    _frames: list[bytes] = field(default_factory=list, init=False)
    _news: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        reading = asyncio.create_task(self._read(), name="a text's events")
        reading.add_done_callback(lambda task: self._news.set())
        try:
            while not (reading.done() and not self._frames):
                with suppress(TimeoutError):
                    async with asyncio.timeout(self.quiet):
                        await self._news.wait()
                if not self._frames and not reading.done():
                    self._frames.append(wire.encode(await self.sign()))
                self._news.clear()
                if chunk := self._taken():
                    yield chunk
                    await asyncio.wait([reading], timeout=self._pause())
            reading.result()
        finally:
            reading.cancel()
            await asyncio.wait([reading])

    def _pause(self) -> float:
        return max(self.apart, min(self.longest, EACH * self.texts()))

    async def _read(self) -> None:
        async for event in self.events:
            self._frames.append(wire.encode(event))
            self._news.set()

    def _taken(self) -> bytes:
        chunk = b"".join(self._frames)
        self._frames.clear()
        return chunk
