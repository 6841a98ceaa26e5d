"""While the model loads, requests wait in line: in fair turns, within the limits, none refused later."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import (
    ModelLoading,
    ModelUnusable,
    NotYours,
    QueueFull,
    ShuttingDown,
    Stopped,
    TooManyRequests,
    TooSoon,
)
from bot.model.client.process import ModelProcess
from bot.model.protocol import GenerationRequest, Loading, SamplingParams
from bot.queue.limits import Admission, Asker
from bot.queue.queue import GenerationQueue
from bot.queue.updates import Finished, Warming
from bot.queue.warm_up import WarmUp
from tests.fakes.model import FakeModel, settled
from tests.fakes.scripted_worker import scripted_info
from tests.support.queues import queue_before, some_limits

ALICE, BOB, CAROL, DAVE = (Asker(person, None) for person in (1, 2, 3, 4))
UNUSABLE = ModelUnusable("nowhere", problem="there is no such model.", reason="not_found")


def a_loading_model() -> FakeModel:
    return FakeModel(info=None, loading=Loading("packing weights", 3, 4, "layers"))


def a_queue(model: FakeModel, **options: Any) -> GenerationQueue:
    return queue_before(model, **{"max_waiting": 10, "per_person": 5, "deadline": 60.0, **options})


@asynccontextmanager
async def in_line(
    queue: GenerationQueue, *askers: Asker, prefix: str = ""
) -> AsyncIterator[list[AsyncIterator[Warming]]]:
    """A place for each, by the names "0", "1", … after the ``prefix``."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(queue.warm_up(asker=asker, group=f"{prefix}{number}"))
            for number, asker in enumerate(askers)
        ]


async def position(updates: AsyncIterator[Warming]) -> int:
    return (await anext(updates)).position


async def rest_of(updates: AsyncIterator[Warming]) -> list[Warming]:
    return [update async for update in updates]


async def asked(queue: GenerationQueue, name: str, asker: Asker) -> Finished:
    request = GenerationRequest(name, (1,), SamplingParams(max_new_tokens=1))
    async with queue.stream(request, asker=asker) as updates:
        last = [update async for update in updates][-1]
    assert isinstance(last, Finished)
    return last


def promised(asker: Asker) -> Asker:
    return Asker(asker.person, asker.server, promised=True)


async def test_a_place_says_its_position_and_how_far_the_model_is_and_ends_when_it_is_ready() -> None:
    model = a_loading_model()
    async with a_queue(model) as queue, in_line(queue, ALICE, BOB) as (first, second):
        assert await anext(first) == Warming(1, "packing weights, 75 %")
        assert await anext(second) == Warming(2, "packing weights, 75 %")
        assert queue.load.waiting == 2
        waiting = asyncio.create_task(rest_of(second))
        await settled()
        assert not waiting.done()
        await model.load(scripted_info())

        assert await waiting == await rest_of(first) == []
        assert queue.model == scripted_info()
    assert queue.load.waiting == 0


async def test_a_model_that_is_ready_lets_no_one_wait() -> None:
    async with a_queue(FakeModel()) as queue:
        await settled()
        async with in_line(queue, ALICE) as (updates,):
            assert await rest_of(updates) == []


async def test_who_comes_second_waits_behind_who_comes_first_not_behind_a_backlog() -> None:
    async with a_queue(a_loading_model()) as queue, in_line(queue, ALICE, ALICE) as (_, backlog):
        assert await position(backlog) == 2
        async with in_line(queue, BOB, prefix="later ") as (newcomer,):
            assert await position(newcomer) == 2
            assert await position(backlog) == 3
        assert await position(backlog) == 2


async def test_progress_is_looked_at_now_and_then() -> None:
    model, limits = a_loading_model(), some_limits()
    clock = asyncio.get_running_loop().time
    warm_up = WarmUp(model, limits, Admission(limits, clock=clock), pace=0.0, clock=clock, refresh=0.01)
    async with warm_up.place(ALICE, "a") as updates:
        await anext(updates)
        model.loading = Loading("packing weights", 4, 4, "layers")
        assert await anext(updates) == Warming(1, "packing weights, 100 %")


async def test_updates_are_paced_but_the_end_comes_at_once() -> None:
    model = a_loading_model()
    async with a_queue(model, pace=3600.0) as queue, in_line(queue, ALICE, BOB) as (_, second):
        await anext(second)
        waiting = asyncio.create_task(rest_of(second))
        async with in_line(queue, CAROL, prefix="later "):
            queue.cancel("0", owner=ALICE.person)
            await settled()
            assert not waiting.done()
        await model.load(scripted_info())
        assert await asyncio.wait_for(waiting, 5) == []


async def test_what_has_waited_is_not_refused_whatever_came_meanwhile() -> None:
    model = a_loading_model()
    async with a_queue(model, max_running=1, max_waiting=1, per_person=1) as queue:
        async with in_line(queue, ALICE, BOB) as places:
            await model.load(scripted_info())
            for updates in places:
                await rest_of(updates)
        async with AsyncExitStack() as stack:
            model.stepwise = True
            for name, asker in (("c", CAROL), ("d", DAVE)):
                request = GenerationRequest(name, (1,), SamplingParams(max_new_tokens=1))
                await stack.enter_async_context(queue.stream(request, asker=asker))
            with pytest.raises(QueueFull):
                await asked(queue, "a", ALICE)
            waited = [promised(ALICE), promised(BOB)]
            answers = [asyncio.create_task(asked(queue, str(one.person), one)) for one in waited]
            await settled()
            model.stepwise = False
            for name in ("c", "d"):
                await model.step(name, 2)
            for answer in answers:
                assert (await answer).completion.steps


async def test_a_promise_covers_a_lookup_too() -> None:
    async with a_queue(FakeModel(), per_person=1) as queue, queue._lookups.place(ALICE):
        with pytest.raises(TooManyRequests):
            await queue.similar(7, 3, asker=ALICE)
        assert await queue.similar(7, 3, asker=promised(ALICE))


async def test_a_person_has_as_many_places_as_requests() -> None:
    async with a_queue(a_loading_model(), per_person=2) as queue, in_line(queue, ALICE, ALICE):
        with pytest.raises(TooManyRequests):
            async with in_line(queue, ALICE, prefix="later "):
                pass
        async with in_line(queue, BOB, prefix="later "):
            pass
    assert queue.counts.refused == {"TooManyRequests": 1}


async def test_the_line_has_room_for_as_many_requests_as_the_queue() -> None:
    async with (
        a_queue(a_loading_model(), max_running=2, max_waiting=4) as queue,
        queue.warm_up(asker=ALICE, group="a", requests=3),
        queue.warm_up(asker=BOB, group="b", requests=2),
    ):
        with pytest.raises(QueueFull, match="2 requests waiting"):
            await queue.warm_up(asker=CAROL, group="c", requests=2).__aenter__()
        async with queue.warm_up(asker=CAROL, group="c"):
            pass


async def test_a_cooldown_begins_with_the_request_not_with_the_wait() -> None:
    model = a_loading_model()
    async with a_queue(model, person_cooldown=3600.0) as queue:
        async with in_line(queue, ALICE) as (updates,):
            with pytest.raises(TooSoon):
                async with in_line(queue, ALICE, prefix="later "):
                    pass
            await model.load(scripted_info())
            await rest_of(updates)
        await asked(queue, "a", promised(ALICE))
        with pytest.raises(TooSoon):
            await asked(queue, "b", ALICE)


async def test_a_place_ends_at_the_interaction_s_deadline_and_says_how_far_the_model_is() -> None:
    async with a_queue(a_loading_model(), deadline=60.0) as queue:
        async with queue.warm_up(asker=Asker(1, None, age=59.99), group="a") as updates:
            await anext(updates)
            with pytest.raises(ModelLoading, match="packing weights, 75 %"):
                await anext(updates)
        assert queue.counts.refused == {}  # the error was caught within
        with pytest.raises(ModelLoading):
            async with queue.warm_up(asker=Asker(1, None, age=59.99), group="a") as updates:
                await rest_of(updates)
    assert queue.counts.refused == {"ModelLoading": 1}


async def test_a_model_that_cannot_be_loaded_ends_every_place() -> None:
    model = a_loading_model()
    async with a_queue(model) as queue, in_line(queue, ALICE, BOB) as places:
        await model.load(UNUSABLE)
        for updates in places:
            with pytest.raises(ModelUnusable):
                await rest_of(updates)
        async with in_line(queue, CAROL, prefix="later ") as (late,):
            with pytest.raises(ModelUnusable):
                await rest_of(late)


async def test_closing_ends_every_place_and_admits_no_other() -> None:
    async with a_queue(a_loading_model()) as queue, in_line(queue, ALICE) as (updates,):
        await queue.close(patience=0.0)
        with pytest.raises(ShuttingDown):
            await rest_of(updates)
        with pytest.raises(ShuttingDown):
            async with in_line(queue, BOB, prefix="later "):
                pass


async def test_a_failure_is_still_told_after_closing() -> None:
    """The bot closes its queue as soon as it knows that its model cannot be used."""
    model = a_loading_model()
    async with a_queue(model) as queue, in_line(queue, ALICE) as (updates,):
        await model.load(UNUSABLE)
        await queue.close(patience=0.0)
        with pytest.raises(ModelUnusable):
            await rest_of(updates)


async def test_only_who_holds_a_place_can_give_it_up() -> None:
    async with a_queue(a_loading_model()) as queue, in_line(queue, ALICE, BOB) as (first, second):
        with pytest.raises(NotYours):
            queue.cancel("0", owner=BOB.person)
        queue.cancel("0", owner=ALICE.person)
        with pytest.raises(Stopped):
            await rest_of(first)
        assert await position(second) == 2  # until the first has left


async def test_a_worker_that_dies_while_it_loads_keeps_everyone_in_line(tmp_path: Path) -> None:
    lives = [{"loading": [["packing weights", 3, 4, "layers"]], "exit_loading": 1}, {}]
    command = (
        sys.executable,
        "-m",
        "tests.fakes.scripted_worker",
        str(tmp_path / "journal"),
        json.dumps(lives),
    )
    async with (
        ModelProcess(command, name="scripted", pause=0.01) as model,
        queue_before(model) as queue,
        in_line(queue, ALICE) as (updates,),
    ):
        assert {update.position for update in await rest_of(updates)} == {1}
        assert model.restarts == 1
        assert (await asked(queue, "a", promised(ALICE))).completion.steps


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3), st.booleans()), max_size=30))
async def test_positions_are_those_of_a_line_and_its_room_is_never_exceeded(
    events: list[tuple[int, int, bool]],
) -> None:
    """Each event is somebody who comes with some requests, or else the one who came first and leaves."""
    async with a_queue(a_loading_model(), max_running=3, max_waiting=5, per_person=3) as queue:
        held: list[tuple[AsyncExitStack, int]] = []
        for number, (person, requests, comes) in enumerate(events):
            if comes:
                stack = AsyncExitStack()
                try:
                    await stack.enter_async_context(
                        queue.warm_up(asker=Asker(person, None), group=str(number), requests=requests)
                    )
                except QueueFull:
                    assert sum(size for _, size in held) + requests > 8
                except TooManyRequests:
                    pass
                else:
                    held.append((stack, requests))
            elif held:
                await held.pop(0)[0].aclose()
            places = list(queue._warm_up._line)
            assert [queue._warm_up._position(place) for place in places] == list(range(1, len(held) + 1))
            assert sum(place.requests for place in places) <= 8
        for stack, _ in held:
            await stack.aclose()
