"""Long tasks run one after the other, off the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import ParamSpec, TypeVar

import pytest

from bot.errors import ShuttingDown
from bot.executor import Executor
from bot.queue.limits import Asker

REQUEST: ContextVar[str] = ContextVar("request", default="none")
ADA, BOB = Asker(1, None), Asker(2, None)
Given = ParamSpec("Given")
Result = TypeVar("Result")


async def done(
    executor: Executor, work: Callable[Given, Result], *args: Given.args, **options: Given.kwargs
) -> Result:
    async with executor.place(ADA) as place:
        return await executor.run(place, work, *args, **options)


async def test_tasks_run_one_after_the_other() -> None:
    executor, at_work = Executor(), threading.Semaphore(1)

    def work(number: int) -> int:
        assert at_work.acquire(blocking=False), "two at once"
        at_work.release()
        return number

    assert await asyncio.gather(*(done(executor, work, number) for number in range(50))) == list(range(50))


async def test_the_event_loop_keeps_running() -> None:
    executor, let_go = Executor(), threading.Event()
    working = asyncio.create_task(done(executor, let_go.wait, timeout=60))
    await asyncio.sleep(0)

    assert not working.done()
    let_go.set()
    assert await working


async def test_an_error_is_raised_and_the_next_task_is_done() -> None:
    executor = Executor()

    with pytest.raises(ZeroDivisionError):
        await done(executor, divmod, 1, 0)
    assert await done(executor, divmod, 7, 2) == (3, 1)


async def test_a_task_runs_in_its_caller_s_context() -> None:
    REQUEST.set("1234")

    assert await done(Executor(), REQUEST.get) == "1234"


async def test_a_task_waits_for_one_of_another_person_s_hundred() -> None:
    executor, order = Executor(), list[str]()

    async def ask(asker: Asker, name: str) -> None:
        async with executor.place(asker) as place:
            await executor.run(place, order.append, name)

    await asyncio.gather(*(ask(ADA, f"many {number}") for number in range(100)), ask(BOB, "one"))

    assert order.index("one") <= 2
    assert len(order) == 101


async def test_a_waiting_task_that_is_cancelled_is_not_computed() -> None:
    executor, let_go, computed = Executor(), threading.Event(), list[str]()
    working = asyncio.create_task(done(executor, let_go.wait, timeout=60))
    waiting = asyncio.create_task(done(executor, computed.append, "for no one"))
    await asyncio.sleep(0)
    waiting.cancel()
    working.cancel()  # the thread is still at it
    next_one = asyncio.create_task(done(executor, computed.append, "next"))
    await asyncio.sleep(0)
    let_go.set()
    await next_one

    assert computed == ["next"]
    assert waiting.cancelled()


async def test_at_the_end_waiting_tasks_are_refused_and_not_computed() -> None:
    executor, let_go, computed = Executor(), threading.Event(), list[str]()
    working = asyncio.create_task(done(executor, let_go.wait, timeout=60))
    waiting = asyncio.create_task(done(executor, computed.append, "for no one"))
    await asyncio.sleep(0)
    executor.end()
    for task in (working, waiting):
        with pytest.raises(ShuttingDown):
            await task
    let_go.set()

    assert computed == []
