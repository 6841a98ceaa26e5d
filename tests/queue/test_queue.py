"""The queue's promises: fair turns, the newest state, one outcome each."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import logs
from bot.errors import (
    DeadlineExceeded,
    GenerationFailed,
    ModelLoading,
    ModelUnreachable,
    NotRunning,
    NotYours,
    QueueFull,
    ServerBusy,
    ShuttingDown,
    TokenwiseError,
    TooManyRequests,
    TooSoon,
    UnavailableError,
)
from bot.model.protocol import Alike, Capacity, Ended, GenerationRequest, Loading, SamplingParams, Stepped
from bot.queue import queue as queue_module
from bot.queue.limits import Asker
from bot.queue.queue import GenerationQueue
from bot.queue.scheduler import SHORTEST_RETRY, UNKNOWN_RETRY
from bot.queue.speed import WINDOW
from bot.queue.ticket import Ticket
from bot.queue.updates import Finished, Load, Progress, Queued, Speed, Update
from tests.fakes.model import FakeModel, settled
from tests.fakes.scripted_worker import REJECTED, scripted_similar, scripted_step
from tests.support.queues import queue_before
from tests.support.waiting import until

ALICE, BOB, CAROL = (Asker(person, None) for person in (1, 2, 3))


def a_queue(model: FakeModel, **options: Any) -> GenerationQueue:
    return queue_before(model, **{"max_waiting": 10, "per_person": 5, "deadline": 60.0, **options})


def a_request(name: str, *, steps: int = 3, first: int = 1) -> GenerationRequest:
    return GenerationRequest(name, (first,), SamplingParams(max_new_tokens=steps))


def tokens(request: GenerationRequest, count: int) -> tuple[int, ...]:
    return tuple(scripted_step(request, index).chosen.token_id for index in range(count))


@asynccontextmanager
async def open_streams(
    queue: GenerationQueue, *asked: tuple[str, Asker]
) -> AsyncIterator[list[AsyncIterator[Update]]]:
    """Streams of one-step requests, made in this order."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(queue.stream(a_request(name, steps=1), asker=asker))
            for name, asker in asked
        ]


def read(name: str, *, tokens: int) -> GenerationRequest:
    """A request that only scores a text."""
    return GenerationRequest(name, (1,) * tokens, SamplingParams(), scored=True)


# Ordinary requests


async def test_a_stream_ends_with_the_completion() -> None:
    request = a_request("a")
    async with a_queue(FakeModel()) as queue, queue.stream(request, asker=ALICE) as updates:
        *progress, last = [update async for update in updates]
    assert all(isinstance(update, Progress) for update in progress)
    assert isinstance(last, Finished)
    assert last.completion.finish_reason == "length"
    assert last.completion.token_ids == tokens(request, 3)
    assert (queue.counts.admitted, queue.counts.finished) == (1, 1)


async def test_seconds_are_those_of_running() -> None:
    now = 100.0
    model = FakeModel(stepwise=True)
    async with (
        a_queue(model, clock=lambda: now) as queue,
        open_streams(queue, ("a", ALICE), ("b", ALICE)) as (first, second),
    ):
        now += 5
        await model.step("a", 2)
        now += 2
        await model.step("b", 2)
        finished = [await anext(first), await anext(second)]
    assert [update.seconds for update in finished if isinstance(update, Finished)] == [5.0, 2.0]


async def test_the_first_update_comes_at_once() -> None:
    model = FakeModel(stepwise=True)
    async with (
        a_queue(model, max_running=1) as queue,
        open_streams(queue, ("a", ALICE), ("b", BOB)) as (running, waiting),
    ):
        assert await anext(running) == Progress(())
        assert await anext(waiting) == Queued(1, None)


async def test_updates_are_paced_but_the_end_comes_at_once() -> None:
    model = FakeModel(stepwise=True)
    async with (
        a_queue(model, pace=3600.0) as queue,
        queue.stream(a_request("a", steps=2), asker=ALICE) as updates,
    ):
        await anext(updates)
        following = asyncio.ensure_future(anext(updates))
        await model.step("a")
        await settled()
        assert not following.done()
        await model.step("a", 2)
        assert isinstance(await following, Finished)


async def test_every_step_is_shown_to_a_quick_reader() -> None:
    request, model = a_request("a"), FakeModel(stepwise=True)
    async with a_queue(model) as queue, queue.stream(request, asker=ALICE) as updates:
        for count in (1, 2, 3):
            await model.step("a")
            update = await anext(updates)
            assert isinstance(update, Progress)
            assert tuple(step.chosen.token_id for step in update.steps) == tokens(request, count)


async def test_a_slow_reader_gets_the_newest_state_without_a_backlog() -> None:
    model = FakeModel(stepwise=True)
    async with a_queue(model) as queue, queue.stream(a_request("a", steps=10), asker=ALICE) as updates:
        await model.step("a", 7)
        update = await anext(updates)
        assert isinstance(update, Progress)
        assert len(update.steps) == 7
        await model.step("a", 4)
        assert isinstance(await anext(updates), Finished)
        with pytest.raises(StopAsyncIteration):
            await anext(updates)


async def test_streams_create_no_tasks() -> None:
    async with a_queue(FakeModel(stepwise=True), pace=3600.0) as queue:
        before = asyncio.all_tasks()
        async with open_streams(queue, ("a", ALICE), ("b", BOB)) as (_, waiting):
            await anext(waiting)
            reader = asyncio.ensure_future(anext(waiting))
            await settled()
            assert asyncio.all_tasks() - before == {reader}
            queue.cancel("b", owner=BOB.person)
            await reader
    assert asyncio.all_tasks() == {asyncio.current_task()}


# Admission


async def test_a_closed_queue_refuses() -> None:
    queue = a_queue(FakeModel())
    for _ in range(2):
        with pytest.raises(ShuttingDown):
            await queue.stream(a_request("a"), asker=ALICE).__aenter__()
        async with queue:
            pass


async def test_a_loading_model_refuses_and_says_how_far_it_is() -> None:
    model = FakeModel(info=None, loading=Loading("packing weights", 3, 4, "layers"))
    async with a_queue(model) as queue:
        with pytest.raises(ModelLoading, match="packing weights, 75 %"):
            await queue.stream(a_request("a"), asker=ALICE).__aenter__()
        with pytest.raises(ModelLoading):
            _ = queue.model
    assert queue.counts.admitted == 0


async def test_a_person_has_a_limit_of_requests_in_progress() -> None:
    async with (
        a_queue(FakeModel(stepwise=True), per_person=2) as queue,
        open_streams(queue, ("a", ALICE), ("b", ALICE)),
    ):
        with pytest.raises(TooManyRequests) as refused:
            await queue.stream(a_request("c"), asker=ALICE).__aenter__()
        assert refused.value.limit == 2
        async with open_streams(queue, ("d", BOB)):
            queue.cancel("b", owner=ALICE.person)
            async with open_streams(queue, ("e", ALICE)):
                pass


async def test_requests_of_one_group_count_once() -> None:
    async with a_queue(FakeModel(stepwise=True), per_person=2) as queue, AsyncExitStack() as stack:
        for name in ("a", "b", "c"):
            await stack.enter_async_context(queue.stream(a_request(name), asker=ALICE, group="g"))
        await stack.enter_async_context(queue.stream(a_request("d"), asker=ALICE))
        with pytest.raises(TooManyRequests):
            await stack.enter_async_context(queue.stream(a_request("e"), asker=ALICE))
        await stack.enter_async_context(queue.stream(a_request("f"), asker=ALICE, group="g"))


async def test_a_server_has_a_limit_of_requests_in_progress() -> None:
    here = [Asker(person, 100) for person in range(3)]
    async with (
        a_queue(FakeModel(stepwise=True), per_server=2) as queue,
        open_streams(queue, ("a", here[0]), ("b", here[1])),
    ):
        with pytest.raises(ServerBusy) as refused:
            await queue.stream(a_request("c"), asker=here[2]).__aenter__()
        assert (refused.value.limit, refused.value.retry_after) == (2, None)
        async with open_streams(queue, ("d", Asker(3, 200)), ("e", Asker(4, None))):
            pass


async def test_a_refusal_at_the_limit_says_when_a_request_ends() -> None:
    now = 0.0
    model = FakeModel(stepwise=True)
    async with (
        a_queue(model, clock=lambda: now, per_person=2) as queue,
        queue.stream(a_request("running", steps=10), asker=ALICE),
        queue.stream(a_request("waiting", steps=3), asker=ALICE),
    ):
        for _ in range(4):
            now += 0.5
            await model.step("running")
        with pytest.raises(TooManyRequests) as refused:
            await queue.stream(a_request("more"), asker=ALICE).__aenter__()
        assert refused.value.retry_after == 6 * 0.5


async def test_a_cooldown_passes_between_two_requests() -> None:
    now = 0.0
    async with a_queue(FakeModel(), clock=lambda: now, person_cooldown=10.0) as queue:
        async with open_streams(queue, ("a", ALICE)):
            pass
        with pytest.raises(TooSoon):
            await queue.stream(a_request("b"), asker=ALICE).__aenter__()
        now += 10
        async with open_streams(queue, ("b", ALICE)):
            pass


async def test_a_failed_request_starts_no_cooldown() -> None:
    async with a_queue(FakeModel(), person_cooldown=60.0) as queue:
        async with queue.stream(a_request("a", first=REJECTED), asker=ALICE) as updates:
            with pytest.raises(GenerationFailed):
                _ = [update async for update in updates]
        async with queue.stream(a_request("b"), asker=ALICE):
            pass


async def test_a_refused_request_starts_no_cooldown() -> None:
    async with a_queue(FakeModel(stepwise=True), max_waiting=0, person_cooldown=60.0) as queue:
        async with open_streams(queue, ("a", BOB)):
            for _ in range(2):
                with pytest.raises(QueueFull):
                    await queue.stream(a_request("b"), asker=ALICE).__aenter__()
        await settled()
        async with queue.stream(a_request("c"), asker=ALICE, group="g"):
            with pytest.raises(QueueFull):
                await queue.stream(a_request("d"), asker=ALICE, group="g").__aenter__()
        await settled()
        async with queue.stream(a_request("c"), asker=ALICE, group="again"):
            pass


async def test_refusals_are_counted_by_their_reason() -> None:
    async with (
        a_queue(FakeModel(stepwise=True), per_person=1, max_waiting=0) as queue,
        open_streams(queue, ("a", ALICE)),
    ):
        for asker, refusal in ((ALICE, TooManyRequests), (BOB, QueueFull), (BOB, QueueFull)):
            with pytest.raises(refusal):
                await queue.stream(a_request("b"), asker=asker).__aenter__()
    assert queue.counts.refused == {"TooManyRequests": 1, "QueueFull": 2}
    assert queue.counts.admitted == 1


async def test_a_full_queue_refuses_until_a_request_leaves() -> None:
    async with (
        a_queue(FakeModel(stepwise=True), max_waiting=1) as queue,
        open_streams(queue, ("a", ALICE), ("b", BOB)),
    ):
        with pytest.raises(QueueFull) as refused:
            await queue.stream(a_request("c"), asker=CAROL).__aenter__()
        assert (refused.value.waiting, refused.value.retry_after) == (1, UNKNOWN_RETRY)
        queue.cancel("b", owner=BOB.person)
        async with open_streams(queue, ("c", CAROL)):
            pass


async def test_a_queue_of_length_zero_still_gives_free_slots() -> None:
    async with (
        a_queue(FakeModel(stepwise=True), max_waiting=0, max_running=2) as queue,
        open_streams(queue, ("a", ALICE), ("b", BOB)),
    ):
        with pytest.raises(QueueFull):
            await queue.stream(a_request("c"), asker=CAROL).__aenter__()


async def test_an_id_in_progress_is_refused() -> None:
    async with a_queue(FakeModel(stepwise=True)) as queue, open_streams(queue, ("a", ALICE)):
        with pytest.raises(ValueError, match="already"):
            await queue.stream(a_request("a"), asker=BOB).__aenter__()


# Order


async def test_positions_are_sent_when_they_change() -> None:
    model = FakeModel(stepwise=True)
    async with (
        a_queue(model) as queue,
        open_streams(queue, ("a", ALICE), ("b", ALICE), ("c", ALICE)) as (_, second, third),
    ):
        assert await anext(second) == Queued(1, None)
        assert await anext(third) == Queued(2, None)
        async with open_streams(queue, ("d", BOB)) as (newcomer,):
            assert await anext(newcomer) == Queued(1, None)
            assert await anext(third) == Queued(3, None)
        assert await anext(third) == Queued(2, None)
        await model.step("a", 2)
        assert model.running == ["b"]
        update = await anext(third)
        assert isinstance(update, Queued)
        assert update.position == 1


async def test_owners_take_turns() -> None:
    model = FakeModel()
    asked = [("a1", ALICE), ("a2", ALICE), ("a3", ALICE), ("b1", BOB), ("c1", CAROL), ("b2", BOB)]
    async with a_queue(model) as queue, open_streams(queue, *asked) as streams:
        for stream in streams:
            assert [update async for update in stream]
    assert model.started == ["a1", "b1", "c1", "a2", "b2", "a3"]


async def test_one_request_overtakes_twenty_waiting_ones_of_another_owner() -> None:
    model = FakeModel(stepwise=True)
    asked = [(f"many {number}", ALICE) for number in range(20)]
    async with (
        a_queue(model, max_waiting=20, per_person=20) as queue,
        open_streams(queue, *asked),
        open_streams(queue, ("one", BOB)) as (updates,),
    ):
        assert await anext(updates) == Queued(1, None)
        await model.step("many 0", 2)
        assert model.running == ["one"]


async def test_no_more_run_than_allowed() -> None:
    model = FakeModel()
    asked = [(str(number), Asker(number % 4, None)) for number in range(12)]
    async with a_queue(model, max_running=3, max_waiting=12) as queue, open_streams(queue, *asked) as streams:
        for stream in streams:
            assert [update async for update in stream]
    assert model.most_running == 3


async def test_the_load_counts_running_and_waiting_requests() -> None:
    model = FakeModel(stepwise=True)
    async with a_queue(model, max_running=2) as queue:
        assert queue.load == Load(0, 0, None)
        async with open_streams(queue, ("a", ALICE), ("b", BOB), ("c", CAROL)):
            assert queue.load == Load(2, 1, None)
            await model.step("a", 2)
            assert (queue.load.running, queue.load.waiting) == (2, 0)
        assert (queue.load.running, queue.load.waiting) == (0, 0)


async def test_the_pace_is_seconds_per_written_token() -> None:
    now = 100.0
    model = FakeModel(stepwise=True)
    async with a_queue(model, clock=lambda: now) as queue:
        async with queue.stream(a_request("a"), asker=ALICE):
            now += 0.5
            await model.step("a")
        assert queue.load.pace == 0.5
        async with queue.stream(read("b", tokens=50), asker=ALICE):
            await model.step("b", 50)
        assert queue.load.pace == 0.5


async def test_the_speed_is_that_of_all_texts_of_the_last_minutes() -> None:
    now = 100.0
    model = FakeModel(stepwise=True)
    async with a_queue(model, clock=lambda: now) as queue:
        assert queue.load.speed is None
        for name, seconds in (("a", 0.5), ("b", 1.5)):
            async with queue.stream(a_request(name), asker=ALICE):
                now += seconds
                await model.step(name)
            await settled()  # its slot is free
        async with queue.stream(read("c", tokens=50), asker=ALICE):
            await model.step("c", 50)
        assert queue.load.speed == Speed(tokens=2, seconds=2.0)
        now += WINDOW + 10
        assert queue.load.speed is None


async def test_a_lookup_takes_no_turn() -> None:
    model = FakeModel(stepwise=True)
    async with a_queue(model, max_waiting=0) as queue:
        async with open_streams(queue, ("a", ALICE)):
            assert await queue.similar(7, 3, asker=BOB) == scripted_similar(7, 3)
        await queue.close(patience=0)
        with pytest.raises(ShuttingDown):
            await queue.similar(7, 3, asker=BOB)


async def test_eta_is_measured_steps_times_the_work_ahead() -> None:
    now = 0.0
    model = FakeModel(stepwise=True)
    async with a_queue(model, clock=lambda: now, max_waiting=2) as queue, AsyncExitStack() as stack:
        streams = [
            await stack.enter_async_context(queue.stream(a_request(name, steps=10), asker=ALICE))
            for name in ("running", "next", "last")
        ]
        assert await anext(streams[1]) == Queued(1, None)
        for _ in range(4):
            now += 0.5
            await model.step("running")
        assert await anext(streams[2]) == Queued(2, 6 * 0.5 + 10 * 0.5)
        with pytest.raises(QueueFull) as refused:
            await queue.stream(a_request("more"), asker=BOB).__aenter__()
        assert refused.value.retry_after == SHORTEST_RETRY > 6 * 0.5


async def test_a_scored_text_takes_few_passes() -> None:
    now = 0.0
    model = FakeModel(stepwise=True)
    async with a_queue(model, clock=lambda: now) as queue, open_streams(queue, ("a", ALICE)) as (first,):
        now += 0.5
        await model.step("a")
        await anext(first)
        async with (
            queue.stream(read("b", tokens=129), asker=ALICE),
            queue.stream(a_request("c"), asker=ALICE) as last,
        ):
            # 128 tokens are scored, at 64 a pass.
            assert await anext(last) == Queued(2, 2 * 0.5)


async def test_a_refusal_does_not_count_the_requester_s_own_group() -> None:
    async with (
        a_queue(FakeModel(stepwise=True), max_waiting=2) as queue,
        open_streams(queue, ("a", ALICE), ("b", BOB)),
        queue.stream(a_request("c"), asker=CAROL, group="g"),
    ):
        with pytest.raises(QueueFull) as refused:
            await queue.stream(a_request("d"), asker=CAROL, group="g").__aenter__()
        assert refused.value.waiting == 1


# Stop, and leaving


async def test_stop_finishes_a_running_request_with_what_there_is() -> None:
    request, model = a_request("a"), FakeModel(stepwise=True)
    async with a_queue(model) as queue, queue.stream(request, asker=ALICE) as updates:
        await model.step("a", 2)
        queue.cancel("a", owner=ALICE.person)
        (finished,) = [update async for update in updates]
        assert isinstance(finished, Finished)
        assert finished.completion.finish_reason == "cancelled"
        assert finished.completion.token_ids == tokens(request, 2)
        await settled()
        assert model.running == []


async def test_stop_finishes_a_waiting_request_with_nothing() -> None:
    async with (
        a_queue(FakeModel(stepwise=True)) as queue,
        open_streams(queue, ("a", ALICE), ("b", BOB)) as (_, waiting),
    ):
        assert await anext(waiting) == Queued(1, None)
        queue.cancel("b", owner=BOB.person)
        (finished,) = [update async for update in waiting]
    assert isinstance(finished, Finished)
    assert (finished.completion.steps, finished.completion.finish_reason) == ((), "cancelled")
    assert finished.seconds == 0


async def test_stop_between_the_queue_and_the_model() -> None:
    model = FakeModel()
    async with a_queue(model) as queue, open_streams(queue, ("a", ALICE)) as (updates,):
        queue.cancel("a", owner=ALICE.person)
        assert [type(update) async for update in updates] == [Finished]
        await settled()
        assert model.started == []


async def test_only_the_owner_stops_and_only_what_runs() -> None:
    model = FakeModel()
    async with a_queue(model) as queue:
        async with open_streams(queue, ("a", ALICE)) as (updates,):
            with pytest.raises(NotYours, match="stop"):
                queue.cancel("a", owner=BOB.person)
            assert [update async for update in updates]
            with pytest.raises(NotRunning):
                queue.cancel("a", owner=ALICE.person)
        with pytest.raises(NotRunning):
            queue.cancel("unknown", owner=ALICE.person)


async def test_a_group_is_stopped_as_one_by_its_owner() -> None:
    model = FakeModel(stepwise=True)
    async with a_queue(model, max_running=3) as queue, AsyncExitStack() as stack:
        await stack.enter_async_context(queue.stream(a_request("alone"), asker=ALICE))
        for name in ("a", "b", "c"):
            await stack.enter_async_context(queue.stream(a_request(name), asker=ALICE, group="g"))
        with pytest.raises(NotYours, match="stop"):
            queue.cancel("g", owner=BOB.person)
        queue.cancel("g", owner=ALICE.person)
        await settled()

        assert queue.counts.cancelled == 3
        assert model.running == ["alone"]
        with pytest.raises(NotRunning):
            queue.cancel("g", owner=ALICE.person)


async def test_leaving_early_aborts_a_running_request_and_admits_the_next() -> None:
    model = FakeModel(stepwise=True)
    async with a_queue(model) as queue:
        async with open_streams(queue, ("a", ALICE)):
            await settled()
            assert model.running == ["a"]
        async with open_streams(queue, ("b", BOB)):
            await settled()
            assert model.running == ["b"]
    assert queue.counts.cancelled == 2


async def test_leaving_early_removes_a_waiting_request_from_the_queue() -> None:
    model = FakeModel(stepwise=True)
    async with a_queue(model) as queue, open_streams(queue, ("a", ALICE)):
        async with open_streams(queue, ("b", BOB)):
            pass
        await model.step("a", 2)
        assert model.started == ["a"]


async def test_a_cancelled_reader_leaves() -> None:
    model = FakeModel(stepwise=True)

    async def read(queue: GenerationQueue) -> None:
        async with open_streams(queue, ("a", ALICE)) as (updates,):
            assert [update async for update in updates] == []

    async with a_queue(model) as queue:
        reader = asyncio.create_task(read(queue))
        await settled()
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        await settled()
        assert model.running == []


async def test_an_error_of_the_reader_goes_through() -> None:
    async with a_queue(FakeModel(stepwise=True)) as queue:
        with pytest.raises(ZeroDivisionError):
            async with open_streams(queue, ("a", ALICE)):
                _ = 1 / 0
    assert queue.counts.cancelled == 1


# Failures


async def test_the_deadline_ends_running_and_waiting_requests() -> None:
    model = FakeModel(stepwise=True)
    async with (
        a_queue(model, deadline=0.05) as queue,
        open_streams(queue, ("a", ALICE), ("b", BOB)) as (running, waiting),
    ):
        await model.step("a")
        with pytest.raises(DeadlineExceeded) as exceeded:
            _ = [update async for update in waiting]
        # The text so far is shown before the reason.
        assert isinstance(await anext(running), Progress)
        with pytest.raises(DeadlineExceeded):
            await anext(running)
        await settled()
        assert model.running == []
    assert exceeded.value.seconds == 0.05
    assert queue.counts.expired == 2


async def test_the_deadline_counts_from_when_the_interaction_was_made() -> None:
    now, model = 1_000.0, FakeModel(stepwise=True)
    older = replace(BOB, age=59.95)
    async with (
        a_queue(model, clock=lambda: now, max_running=2) as queue,
        open_streams(queue, ("a", ALICE), ("b", older)) as (fresh, stale),
    ):
        assert [type(await anext(stream)) for stream in (fresh, stale)] == [Progress, Progress]
        now += 0.06
        with pytest.raises(DeadlineExceeded) as exceeded:
            await anext(stale)
        assert exceeded.value.seconds == 60.0
        await model.step("a", 2)
        assert [type(update) async for update in fresh][-1] is Finished
    assert (queue.counts.finished, queue.counts.expired) == (1, 1)


async def test_a_request_whose_interaction_has_expired_is_refused() -> None:
    model = FakeModel()
    async with a_queue(model) as queue:
        with pytest.raises(DeadlineExceeded):
            await queue.stream(a_request("a"), asker=replace(ALICE, age=60.5)).__aenter__()
        with pytest.raises(DeadlineExceeded):
            await queue.similar(7, 3, asker=replace(ALICE, age=60.5))
        assert queue.counts.refused == {"DeadlineExceeded": 1}
    assert model.started == []


async def test_an_ended_request_is_not_kept_until_its_deadline() -> None:
    async with a_queue(FakeModel(), deadline=600.0) as queue:
        requests = [a_request(str(number)) for number in range(5)]
        for request in requests:
            async with queue.stream(request, asker=ALICE) as updates:
                async for _ in updates:
                    pass
            del updates
        await settled()

        gc.collect()
        kept = [each.request for each in gc.get_objects() if type(each) is Ticket]
        # The slot keeps the last update until it gets another.
        assert [request for request in requests[:-1] if request in kept] == []


async def test_the_deadline_spares_finished_requests() -> None:
    async with a_queue(FakeModel(), deadline=0.02) as queue, open_streams(queue, ("a", ALICE)) as (updates,):
        assert [update async for update in updates]
        await asyncio.sleep(0.03)
    assert (queue.counts.finished, queue.counts.expired) == (1, 0)


# A model service, whose replicas come and go


@pytest.fixture
def quick_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Follow the service's slots as fast as a test changes them."""
    monkeypatch.setattr(queue_module, "_RESIZE", 0.001)


def slots(count: int) -> Capacity:
    return Capacity(replicas=count, machines=count, slots=count, fingerprint="scripted")


@pytest.mark.usefixtures("quick_slots")
async def test_as_many_run_as_a_service_has_slots_and_those_beyond_go_on() -> None:
    model = FakeModel(stepwise=True, capacity=slots(1))
    async with (
        a_queue(model, max_running=5) as queue,
        open_streams(queue, ("a", ALICE), ("b", BOB), ("c", CAROL), ("d", ALICE)),
    ):
        await settled()
        assert model.running == ["a"]
        model.capacity = slots(3)
        await until(lambda: model.running == ["a", "b", "c"])
        model.capacity = slots(1)
        await asyncio.sleep(0.02)
        await model.step("a", 2)
        await model.step("b", 2)
        assert model.running == ["c"]
        await model.step("c", 2)
        await until(lambda: model.running == ["d"])


@pytest.mark.usefixtures("quick_slots")
async def test_a_service_that_is_away_admits_nobody_and_loses_nobody() -> None:
    model = FakeModel(stepwise=True, capacity=slots(1))
    async with a_queue(model) as queue, open_streams(queue, ("a", ALICE), ("b", BOB)) as (_, waiting):
        await settled()
        model.capacity = slots(0)
        with pytest.raises(ModelUnreachable) as away:
            async with queue.stream(a_request("c"), asker=CAROL):
                pytest.fail("it was admitted")
        assert away.value.retry_after > 0
        assert queue.counts.refused == {"ModelUnreachable": 1}
        await model.step("a", 2)
        await asyncio.sleep(0.02)
        assert model.running == []
        model.capacity = slots(1)
        await until(lambda: model.running == ["b"])
        await model.step("b", 2)
        assert isinstance([update async for update in waiting][-1], Finished)


class SlowLookups(FakeModel):
    """Answers a lookup once it is allowed to; ``asked`` has those so far."""

    def __init__(self) -> None:
        super().__init__(stepwise=True)
        self.allowed = asyncio.Event()
        self.asked: list[int] = []

    async def similar(self, token_id: int, count: int) -> tuple[Alike, ...]:
        self.asked.append(token_id)
        await self.allowed.wait()
        return await super().similar(token_id, count)


async def test_people_take_turns_at_lookups_within_their_limits() -> None:
    model = SlowLookups()
    async with a_queue(model, per_person=2) as queue:
        lookups = [
            asyncio.create_task(queue.similar(token_id, 3, asker=asker))
            for token_id, asker in ((1, ALICE), (2, ALICE), (3, ALICE), (4, BOB))
        ]
        await settled()
        assert model.asked == [1]
        with pytest.raises(TooManyRequests):
            await lookups.pop(2)
        model.allowed.set()
        await asyncio.gather(*lookups)
        assert model.asked == [1, 4, 2]


async def test_a_slow_lookup_and_one_at_the_end_fail_with_the_reason() -> None:
    async with a_queue(SlowLookups(), deadline=0.05) as queue:
        with pytest.raises(DeadlineExceeded):
            await queue.similar(7, 3, asker=ALICE)
    async with a_queue(SlowLookups()) as queue:
        waiting = asyncio.create_task(queue.similar(7, 3, asker=ALICE))
        await settled()
        await queue.close(patience=0)
        with pytest.raises(ShuttingDown):
            await waiting


async def test_a_failed_request_fails_alone() -> None:
    async with (
        a_queue(FakeModel()) as queue,
        queue.stream(a_request("bad", first=REJECTED), asker=ALICE) as bad,
        queue.stream(a_request("good"), asker=ALICE) as good,
    ):
        with pytest.raises(GenerationFailed):
            _ = [update async for update in bad]
        assert isinstance([update async for update in good][-1], Finished)
    assert (queue.counts.failed, queue.counts.finished) == (1, 1)


class BrokenModel(FakeModel):
    async def run(self, request: GenerationRequest) -> AsyncGenerator[Stepped | Ended, None]:
        if request.request_id == "raises":
            raise RuntimeError("a defect")
        yield Stepped(request.request_id, 0, scripted_step(request, 0))


@pytest.mark.parametrize(("name", "detail"), [("raises", "RuntimeError"), ("stops", "without saying why")])
async def test_a_bug_in_the_model_fails_the_request_but_not_the_queue(
    name: str, detail: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with a_queue(BrokenModel()) as queue:
        for _ in range(3):
            async with queue.stream(a_request(name), asker=ALICE) as updates:
                with pytest.raises(GenerationFailed) as failed:
                    _ = [update async for update in updates]
            assert detail in failed.value.detail
    assert ("request raises failed" in caplog.text) == (name == "raises")


class RequestsOf(logging.Filter):
    """Notes to which interaction each record belongs."""

    def __init__(self) -> None:
        super().__init__()
        self.noted: list[str] = []

    def filter(self, _record: logging.LogRecord) -> bool:
        self.noted.append(logs.request())
        return True


async def test_log_records_of_a_request_carry_its_interaction(
    caplog: pytest.LogCaptureFixture,
) -> None:
    requests = RequestsOf()
    async with a_queue(BrokenModel()) as queue:
        with caplog.filtering(requests), logs.belonging_to("1234"):
            async with queue.stream(a_request("raises"), asker=ALICE) as updates:
                with pytest.raises(GenerationFailed):
                    _ = [update async for update in updates]

    assert requests.noted == ["1234"]


async def test_closing_refuses_waiting_requests_at_once_and_lets_running_ones_finish() -> None:
    model = FakeModel(stepwise=True)
    async with (
        a_queue(model) as queue,
        open_streams(queue, ("a", ALICE), ("b", BOB)) as (running, waiting),
    ):
        assert await anext(waiting) == Queued(1, None)
        closing = asyncio.create_task(queue.close(patience=60))
        with pytest.raises(ShuttingDown):
            await anext(waiting)
        with pytest.raises(ShuttingDown):
            await queue.stream(a_request("c"), asker=CAROL).__aenter__()
        await settled()
        assert not closing.done()

        await model.step("a", 2)
        assert isinstance([update async for update in running][-1], Finished)
        await closing
    assert (queue.counts.finished, queue.counts.failed) == (1, 1)
    assert model.started == ["a"]


async def test_closing_ends_slow_requests_with_the_text_so_far() -> None:
    model = FakeModel(stepwise=True)
    async with a_queue(model) as queue, queue.stream(a_request("a"), asker=ALICE) as updates:
        await model.step("a")
        await queue.close(patience=0.05)
        update = await anext(updates)
        assert isinstance(update, Progress)
        assert len(update.steps) == 1
        with pytest.raises(ShuttingDown):
            await anext(updates)
        await settled()
        assert model.running == []


async def test_while_it_closes_a_text_can_be_stopped() -> None:
    model = FakeModel(stepwise=True)
    async with a_queue(model) as queue, open_streams(queue, ("a", ALICE)) as (updates,):
        closing = asyncio.create_task(queue.close(patience=60))
        await settled()
        queue.cancel("a", owner=ALICE.person)
        await closing
        assert isinstance([update async for update in updates][-1], Finished)


async def test_shutting_down_ends_every_open_stream() -> None:
    model = FakeModel(stepwise=True)
    async with AsyncExitStack() as streams:
        async with a_queue(model) as queue:
            opened = await streams.enter_async_context(open_streams(queue, ("a", ALICE), ("b", BOB)))
            await settled()
        for updates in opened:
            with pytest.raises(ShuttingDown):
                await anext(updates)
            with pytest.raises(StopAsyncIteration):
                await anext(updates)
    assert model.running == []
    assert (queue.counts.admitted, queue.counts.failed) == (2, 2)


# Nothing is lost

KINDS = st.sampled_from(["read", "read", "read", "stop", "leave", "reject", "drop"])


class Crowd:
    """Requesters who read, stop and leave at random; ``got`` counts their outcomes."""

    def __init__(self, queue: GenerationQueue) -> None:
        self.queue = queue
        self.outcomes: Counter[str] = Counter()

    async def ask(self, number: int, owner: int, kind: str, patience: int) -> None:
        request = a_request(str(number), steps=number % 5, first=REJECTED if kind == "reject" else 1)
        try:
            async with self.queue.stream(request, asker=Asker(owner, None)) as updates:
                await self.read(updates, request, owner, kind, patience)
        except (QueueFull, TooManyRequests):
            self.outcomes["refused"] += 1

    async def read(
        self, updates: AsyncIterator[Update], request: GenerationRequest, owner: int, kind: str, patience: int
    ) -> None:
        for _ in range(patience):
            await asyncio.sleep(0)
        if kind == "leave":
            self.outcomes["left"] += 1
            return
        if kind == "stop":
            try:
                self.queue.cancel(request.request_id, owner=owner)
            except NotRunning:
                self.outcomes["too late"] += 1
        ends: list[Update | TokenwiseError] = []
        seen = -1
        try:
            async for update in updates:
                assert not ends
                if isinstance(update, Finished):
                    ends.append(update)
                    assert update.completion.token_ids == tokens(request, len(update.completion.steps))
                elif isinstance(update, Progress):
                    assert len(update.steps) > seen
                    seen = len(update.steps)
        except UnavailableError as error:
            ends.append(error)
        (end,) = ends
        reason = end.completion.finish_reason if isinstance(end, Finished) else type(end).__name__
        self.outcomes[reason] += 1


@settings(max_examples=60, deadline=None)
@given(
    people=st.lists(st.tuples(st.integers(1, 3), KINDS, st.integers(0, 30)), max_size=25),
    slots=st.integers(1, 3),
    deadline=st.sampled_from([0.0, 0.001, 60.0]),
    turns=st.none() | st.integers(0, 40),
)
def test_every_admitted_request_has_exactly_one_outcome(
    people: list[tuple[int, str, int]], slots: int, deadline: float, turns: int | None
) -> None:
    """This holds for any behaviour, even if the queue closes after some ``turns`` of the loop."""

    async def scenario() -> None:
        model = FakeModel()
        queue = a_queue(model, max_waiting=6, max_running=slots, per_person=4, deadline=deadline)
        crowd = Crowd(queue)
        async with queue:
            asking = [asyncio.create_task(crowd.ask(number, *person)) for number, person in enumerate(people)]
            for _ in range(turns or 0):
                await asyncio.sleep(0)
            if turns is None:
                await asyncio.gather(*asking)
        results = await asyncio.gather(*asking, return_exceptions=True)
        refused = sum(isinstance(result, ShuttingDown) for result in results)
        assert [type(result) for result in results if result is not None] == [ShuttingDown] * refused
        check(queue, crowd, len(people) - refused)
        assert model.running == []
        assert model.most_running <= slots
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(scenario())


def check(queue: GenerationQueue, crowd: Crowd, asked: int) -> None:
    got, counts = crowd.outcomes, queue.counts
    assert counts.admitted == asked - got["refused"]
    assert counts.admitted == counts.finished + counts.cancelled + counts.expired + counts.failed
    assert len(queue._tickets) == len(queue._scheduler) == 0
    # Requesters who left early got nothing, regardless of the outcome.
    failed = got["GenerationFailed"] + got["ShuttingDown"]
    delivered = got["length"] + got["cancelled"] + got["DeadlineExceeded"] + failed
    assert counts.admitted == delivered + got["left"]
    assert counts.finished >= got["length"]
    assert counts.cancelled >= got["cancelled"]
    assert counts.expired >= got["DeadlineExceeded"]
    assert counts.failed >= failed


async def test_texts_in_progress_are_forgotten_again_once_they_end() -> None:
    model = FakeModel(stepwise=True)
    async with a_queue(model, max_running=1) as queue, open_streams(queue, ("a", ALICE), ("b", BOB)):
        await settled()
        queue.forget()
        assert model.forgot == 1
        for name in ("a", "b"):  # the second one has not even begun
            await model.step(name, 2)
        assert model.forgot == 3

        async with queue.stream(a_request("later"), asker=ALICE):
            await model.step("later", 4)
        assert model.forgot == 3
