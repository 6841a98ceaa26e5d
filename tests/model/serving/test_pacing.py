"""A text's events as few chunks, none of which is late."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from itertools import chain

import pytest

from bot.model import wire
from bot.model.protocol import Capacity, Ended, Message, Stepped
from bot.model.serving.pacing import EACH, Paced
from tests.fakes.scripted_worker import scripted_step
from tests.support.scripted_requests import a_request

ALIVE = Capacity(1, 1, 8, "scripted")


async def alive() -> Capacity:
    return ALIVE


def step(index: int) -> Stepped:
    return Stepped("a", index, scripted_step(a_request(), index))


def messages(chunk: bytes) -> list[Message]:
    """The messages in a chunk's frames."""
    found = []
    while chunk:
        end = wire.HEADER.size + wire.body_length(chunk[: wire.HEADER.size])
        found.append(wire.decode(chunk[wire.HEADER.size : end]))
        chunk = chunk[end:]
    return found


async def events(*pauses: float) -> AsyncIterator[Stepped | Ended]:
    for index, pause in enumerate(pauses):
        await asyncio.sleep(pause)
        yield step(index)
    yield Ended("a", "length")


async def test_what_comes_together_travels_together() -> None:
    paced = Paced(events(0, 0, 0, 0), alive, apart=0.05)
    chunks = [messages(chunk) async for chunk in paced.chunks()]
    assert [*chain(*chunks)] == [step(0), step(1), step(2), step(3), Ended("a", "length")]
    assert len(chunks) <= 2


async def test_the_first_step_does_not_wait() -> None:
    paced = Paced(events(0, 10), alive, apart=10)
    chunks = paced.chunks()
    began = time.monotonic()
    assert messages(await anext(chunks)) == [step(0)]
    assert time.monotonic() - began < 1
    await chunks.aclose()


async def test_the_end_does_not_wait_for_the_next_chunk() -> None:
    paced = Paced(events(0), alive, apart=10)
    began = time.monotonic()
    assert [messages(chunk) async for chunk in paced.chunks()]
    assert time.monotonic() - began < 1


async def test_chunks_are_apart() -> None:
    paced = Paced(events(*[0.005] * 40), alive, apart=0.1)
    chunks = [messages(chunk) async for chunk in paced.chunks()]
    assert len([*chain(*chunks)]) == 41
    assert len(chunks) < 10


async def test_chunks_of_many_texts_are_further_apart() -> None:
    many = round(0.2 / EACH)
    paced = Paced(events(*[0.005] * 40), alive, apart=0.001, texts=lambda: many)
    assert len([chunk async for chunk in paced.chunks()]) < 6


async def test_however_many_texts_there_are_a_chunk_is_not_late() -> None:
    paced = Paced(events(*[0.005] * 40), alive, longest=0.02, apart=0.001, texts=lambda: 10_000)
    assert len([chunk async for chunk in paced.chunks()]) > 5


async def test_a_stream_without_steps_says_that_it_lives() -> None:
    paced = Paced(events(0.2), alive, quiet=0.05)
    chunks = [messages(chunk) async for chunk in paced.chunks()]
    assert chunks[0] == [ALIVE]
    assert [*chain(*chunks)][-2:] == [step(0), Ended("a", "length")]


async def test_what_ends_the_events_ends_the_stream_after_what_came_before() -> None:
    async def failing() -> AsyncIterator[Stepped]:
        yield step(0)
        raise ConnectionError

    chunks = Paced(failing(), alive).chunks()
    assert messages(await anext(chunks)) == [step(0)]
    with pytest.raises(ConnectionError):
        await anext(chunks)


async def test_leaving_closes_the_events() -> None:
    closed = asyncio.Event()

    async def watched() -> AsyncIterator[Stepped]:
        try:
            yield step(0)
            await asyncio.Event().wait()
        finally:
            closed.set()

    chunks = Paced(watched(), alive).chunks()
    await anext(chunks)
    await chunks.aclose()
    assert closed.is_set()
