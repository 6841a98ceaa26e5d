"""What takes long is done one after the other, aside from the event loop."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar

import pytest

from bot.aside import Aside

REQUEST: ContextVar[str] = ContextVar("request", default="none")


async def test_one_piece_is_done_after_the_other() -> None:
    aside, at_work = Aside(), threading.Semaphore(1)

    def work(number: int) -> int:
        assert at_work.acquire(blocking=False), "two at once"
        at_work.release()
        return number

    assert await asyncio.gather(*(aside.run(work, number) for number in range(50))) == list(range(50))


async def test_the_event_loop_goes_on_meanwhile() -> None:
    aside, let_go = Aside(), threading.Event()
    working = asyncio.create_task(aside.run(let_go.wait, timeout=60))
    await asyncio.sleep(0)

    assert not working.done()
    let_go.set()
    assert await working


async def test_what_it_raises_is_raised_and_the_next_piece_is_done() -> None:
    aside = Aside()

    with pytest.raises(ZeroDivisionError):
        await aside.run(divmod, 1, 0)
    assert await aside.run(divmod, 7, 2) == (3, 1)


async def test_it_works_for_the_request_of_whoever_waits() -> None:
    REQUEST.set("1234")

    assert await Aside().run(REQUEST.get) == "1234"
