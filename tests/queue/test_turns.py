"""Short work is admitted within limits, done in fair turns and in time, and refused at the end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.errors import DeadlineExceeded, QueueFull, ServerBusy, ShuttingDown, TooManyRequests
from bot.queue.limits import Asker
from bot.queue.turns import Turns
from tests.fakes.model import settled
from tests.support.clocks import Clock
from tests.support.queues import some_limits

ADA, BOB, CAROL = (Asker(person, None) for person in (1, 2, 3))


@dataclass
class Workshop:
    """Pieces of work that end when the test says so; ``begun`` are their names, in order."""

    begun: list[str] = field(default_factory=list)
    _ends: dict[str, asyncio.Event] = field(default_factory=dict)

    def piece(self, name: str) -> Callable[[], Awaitable[str]]:
        async def work() -> str:
            self.begun.append(name)
            await self._ends.setdefault(name, asyncio.Event()).wait()
            return name

        return work

    async def finish(self, name: str) -> None:
        self._ends.setdefault(name, asyncio.Event()).set()
        await settled()


def some_turns(*, clock: Callable[[], float] = time.monotonic, **limits: Any) -> Turns:
    return Turns(some_limits(**{"max_waiting": 10, "per_person": 5, "deadline": 60.0, **limits}), clock=clock)


async def asked(
    turns: Turns, shop: Workshop, name: str, asker: Asker, *, promised: bool = False
) -> asyncio.Task[str]:
    async def ask() -> str:
        async with turns.place(asker, promised=promised) as place:
            return await turns.take(place, shop.piece(name))

    asking = asyncio.create_task(ask())
    await settled()
    return asking


# Order


async def test_people_take_turns() -> None:
    turns, shop = some_turns(), Workshop()
    names = {"a1": ADA, "a2": ADA, "a3": ADA, "b1": BOB, "c1": CAROL, "b2": BOB}
    asking = [await asked(turns, shop, name, asker) for name, asker in names.items()]
    for name in ("a1", "b1", "c1", "a2", "b2", "a3"):
        assert shop.begun[-1] == name
        await shop.finish(name)

    assert await asyncio.gather(*asking) == list(names)


async def test_no_more_run_at_once_than_allowed() -> None:
    turns, shop = some_turns(max_running=2), Workshop()
    asking = [await asked(turns, shop, name, asker) for name, asker in (("a", ADA), ("b", BOB), ("c", CAROL))]
    assert shop.begun == ["a", "b"]
    for name in ("b", "c", "a"):
        await shop.finish(name)

    assert await asyncio.gather(*asking) == ["a", "b", "c"]


async def test_an_unclaimed_turn_keeps_no_one_waiting() -> None:
    turns, shop = some_turns(), Workshop()
    async with turns.place(ADA):
        bob = await asked(turns, shop, "b", BOB)
        await shop.finish("b")

        assert await bob == "b"


async def test_an_error_in_the_work_is_raised_and_the_next_work_is_done() -> None:
    turns, shop = some_turns(), Workshop()

    async def fails() -> None:
        raise TimeoutError("of its own")

    async with turns.place(ADA) as place:
        with pytest.raises(TimeoutError, match="of its own"):
            await turns.take(place, fails)
    await shop.finish("b")
    assert await (await asked(turns, shop, "b", BOB)) == "b"


# Admission


async def test_a_person_has_a_limit() -> None:
    turns, shop = some_turns(per_person=2), Workshop()
    first, second = [await asked(turns, shop, name, ADA) for name in "ab"]

    with pytest.raises(TooManyRequests) as refused:
        turns.check(ADA)
    assert "Stop" not in refused.value.sentence  # there is none for these
    with pytest.raises(TooManyRequests):
        await (await asked(turns, shop, "c", ADA))
    turns.check(BOB)
    await shop.finish("a")
    turns.check(ADA)
    await shop.finish("b")
    assert (await first, await second) == ("a", "b")


async def test_a_server_has_a_limit() -> None:
    turns, shop = some_turns(per_server=1), Workshop()
    asking = await asked(turns, shop, "a", Asker(1, server=7))

    with pytest.raises(ServerBusy):
        turns.check(Asker(2, server=7))
    turns.check(Asker(2, server=8))
    turns.check(Asker(2, None))
    await shop.finish("a")
    assert await asking == "a"


async def test_a_full_queue_refuses_and_says_when_to_come_back() -> None:
    turns = some_turns(max_waiting=2)
    async with AsyncExitStack() as stack:
        for person in range(3):
            await stack.enter_async_context(turns.place(Asker(person, None)))
        with pytest.raises(QueueFull) as refused:
            turns.check(Asker(3, None))
        assert refused.value.waiting == 3
        assert refused.value.retry_after > 0
    turns.check(Asker(3, None))


async def test_the_time_to_come_back_is_estimated_from_earlier_work() -> None:
    clock = Clock(1_000.0)
    turns, shop = some_turns(max_waiting=0, clock=clock), Workshop()
    first = await asked(turns, shop, "a", ADA)
    clock.now += 30.0
    await shop.finish("a")
    second = await asked(turns, shop, "b", ADA)

    with pytest.raises(QueueFull) as refused:
        turns.check(BOB)
    assert refused.value.retry_after == 30.0
    await shop.finish("b")
    assert (await first, await second) == ("a", "b")


async def test_reserved_work_is_never_refused_but_waits_its_turn() -> None:
    turns, shop = some_turns(max_waiting=0, per_person=1), Workshop()
    asking = [await asked(turns, shop, "a", ADA)]
    asking.append(await asked(turns, shop, "b", ADA, promised=True))
    assert shop.begun == ["a"]
    with pytest.raises(TooManyRequests):
        turns.check(ADA)

    for name in "ab":
        await shop.finish(name)
    assert await asyncio.gather(*asking) == ["a", "b"]


# Its time


async def test_the_time_counts_from_when_the_interaction_was_made() -> None:
    clock = Clock(1_000.0)
    turns, shop = some_turns(clock=clock), Workshop()
    ada = await asked(turns, shop, "a", ADA)
    bob = await asked(turns, shop, "b", Asker(2, None, age=59.95))

    with pytest.raises(DeadlineExceeded) as exceeded:
        await bob
    assert exceeded.value.seconds == 60.0
    await shop.finish("a")
    assert await ada == "a"
    assert shop.begun == ["a"]


async def test_work_that_is_late_at_its_turn_is_not_begun() -> None:
    clock = Clock(1_000.0)
    turns, shop = some_turns(clock=clock), Workshop()
    ada = await asked(turns, shop, "a", ADA)
    bob = await asked(turns, shop, "b", Asker(2, None, age=30.0))
    clock.now += 30.0
    await shop.finish("a")

    assert await ada == "a"
    with pytest.raises(DeadlineExceeded):
        await bob
    with pytest.raises(DeadlineExceeded):
        await (await asked(turns, shop, "c", Asker(3, None, age=60.0)))
    assert shop.begun == ["a"]


async def test_work_that_takes_too_long_is_given_up() -> None:
    turns, shop = some_turns(deadline=0.05), Workshop()
    ada = await asked(turns, shop, "a", ADA)

    with pytest.raises(DeadlineExceeded):
        await ada
    await shop.finish("b")
    assert await (await asked(turns, shop, "b", BOB)) == "b"


async def test_cancelled_work_leaves_the_queue_and_is_not_begun() -> None:
    turns, shop = some_turns(max_waiting=1), Workshop()
    ada = await asked(turns, shop, "a", ADA)
    bob = await asked(turns, shop, "b", BOB)
    bob.cancel()
    await settled()
    carol = await asked(turns, shop, "c", CAROL)
    for name in "ac":
        await shop.finish(name)

    assert [await ada, await carol] == ["a", "c"]
    assert shop.begun == ["a", "c"]


async def test_work_cancelled_just_before_it_begins_passes_its_turn_on() -> None:
    turns, shop = some_turns(), Workshop()
    ada = await asked(turns, shop, "a", ADA)
    bob, carol = await asked(turns, shop, "b", BOB), await asked(turns, shop, "c", CAROL)
    ada.cancel()
    await asyncio.sleep(0)  # it is Bob's turn, but his task does not know yet
    bob.cancel()
    await shop.finish("c")

    assert await carol == "c"
    assert shop.begun == ["a", "c"]


# The end


async def test_once_closed_it_refuses_new_work_and_finishes_the_old() -> None:
    turns, shop = some_turns(), Workshop()
    ada, bob = await asked(turns, shop, "a", ADA), await asked(turns, shop, "b", BOB)
    turns.close()

    with pytest.raises(ShuttingDown):
        turns.check(CAROL)
    with pytest.raises(ShuttingDown):
        await (await asked(turns, shop, "c", CAROL))
    promised = await asked(turns, shop, "d", CAROL, promised=True)
    for name in "abd":
        await shop.finish(name)
    assert [await ada, await bob, await promised] == ["a", "b", "d"]


async def test_at_the_end_all_waiting_work_is_refused_and_none_begins() -> None:
    turns, shop = some_turns(), Workshop()
    async with turns.place(ADA) as place:
        asking = [await asked(turns, shop, name, asker) for name, asker in (("b", BOB), ("c", CAROL))]
        turns.end()
        for one in asking:
            with pytest.raises(ShuttingDown):
                await one
        with pytest.raises(ShuttingDown):
            await turns.take(place, shop.piece("a"))
    with pytest.raises(ShuttingDown):
        await (await asked(turns, shop, "d", ADA, promised=True))
    assert shop.begun == ["b"]
