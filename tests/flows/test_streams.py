"""Several requests of one person: all or none, and one round after the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from bot.errors import DeadlineExceeded, GenerationFailed, QueueFull, TooManyRequests
from bot.flows.streams import ask_all
from bot.model.protocol import GenerationRequest, SamplingParams
from bot.queue.limits import Asker
from bot.queue.queue import GenerationQueue
from bot.queue.updates import Finished, News, Progress, Queued
from tests.fakes.model import FakeModel, settled
from tests.fakes.scripted_worker import REJECTED
from tests.support.queues import queue_before

ADA = Asker(815, None)
BOB = Asker(1, None)


def requests(count: int, *, tokens: int = 3, prompts: tuple[int, ...] = ()) -> list[GenerationRequest]:
    starts = prompts or (1,) * count
    params = SamplingParams(max_new_tokens=tokens)
    return [GenerationRequest(f"r{number}", (start,), params) for number, start in enumerate(starts)]


def a_queue(model: FakeModel, **options: Any) -> GenerationQueue:
    return queue_before(model, **{"max_running": 8, "per_person": 1, **options})


def all_of(
    queue: GenerationQueue, asked: list[GenerationRequest], *, asker: Asker
) -> AbstractAsyncContextManager[AsyncIterator[tuple[News, ...]]]:
    return ask_all(queue, asked, asker=asker, group="g")


def lengths(news: tuple[News, ...]) -> list[int]:
    """The number of tokens of each text; -1 while it waits."""
    return [len(one.steps) if isinstance(one, Progress) else -1 for one in news]


async def test_all_run_at_once_where_there_is_room() -> None:
    model = FakeModel()
    async with a_queue(model) as queue, all_of(queue, requests(6), asker=ADA) as rounds:
        *_, last = [news async for news in rounds]

    assert model.most_running == 6
    assert [len(one.completion.steps) for one in last if isinstance(one, Finished)] == [3] * 6


async def test_a_round_has_news_of_every_running_request() -> None:
    model = FakeModel(stepwise=True)
    async with a_queue(model) as queue, all_of(queue, requests(3), asker=ADA) as rounds:
        assert lengths(await anext(rounds)) == [0, 0, 0]
        waiting = asyncio.ensure_future(anext(rounds))
        for name in ("r0", "r2"):
            await model.step(name)
        assert not waiting.done()
        await model.step("r1")

        assert lengths(await waiting) == [1, 1, 1]


async def test_a_waiting_request_holds_up_no_other() -> None:
    model = FakeModel(stepwise=True)
    async with (
        a_queue(model, max_running=2) as queue,
        all_of(queue, requests(3), asker=ADA) as rounds,
    ):
        first = await anext(rounds)
        assert first[2] == Queued(1, None)
        for name in ("r0", "r1"):
            await model.step(name)

        assert lengths(await anext(rounds)) == [1, 1, -1]


async def test_while_all_wait_the_first_news_completes_a_round() -> None:
    model = FakeModel(stepwise=True)
    async with (
        a_queue(model, max_running=1) as queue,
        queue.stream(requests(1)[0], asker=BOB),
        all_of(queue, others(), asker=ADA) as rounds,
    ):
        assert await anext(rounds) == (Queued(1, None), Queued(2, None))
        queue.cancel("r0", owner=BOB.person)

        assert lengths(await anext(rounds)) == [0, -1]


def others() -> list[GenerationRequest]:
    return [GenerationRequest(name, (1,), SamplingParams(max_new_tokens=3)) for name in ("a", "b")]


async def test_they_count_as_one_request_of_their_owner() -> None:
    model = FakeModel(stepwise=True)
    async with a_queue(model, per_person=1) as queue, all_of(queue, requests(6), asker=ADA):
        with pytest.raises(TooManyRequests):
            async with queue.stream(others()[0], asker=ADA):
                pass


async def test_if_one_is_refused_none_is_left() -> None:
    model = FakeModel(stepwise=True)
    async with a_queue(model, max_running=2, max_waiting=2) as queue:
        with pytest.raises(QueueFull):
            async with all_of(queue, requests(6), asker=ADA):
                pass
        await settled()

        assert model.running == []
        assert (queue.counts.admitted, queue.counts.cancelled) == (4, 4)
        async with queue.stream(others()[0], asker=ADA) as updates:
            assert await anext(aiter(updates)) == Progress(())


async def test_leaving_early_ends_all() -> None:
    model = FakeModel(stepwise=True)
    async with a_queue(model) as queue:
        async with all_of(queue, requests(6), asker=ADA) as rounds:
            await anext(rounds)
            await settled()
            assert len(model.running) == 6
        await settled()

        assert model.running == []


async def test_one_that_fails_leaves_the_others_alone() -> None:
    model = FakeModel()
    asked = requests(3, prompts=(1, REJECTED, 1))
    async with a_queue(model) as queue, all_of(queue, asked, asker=ADA) as rounds:
        *_, last = [news async for news in rounds]

    assert isinstance(last[1], GenerationFailed)
    assert all(isinstance(last[number], Finished) for number in (0, 2))


async def test_all_news_before_a_common_end_is_delivered() -> None:
    model = FakeModel(stepwise=True)
    async with a_queue(model, deadline=0.2) as queue, all_of(queue, requests(2), asker=ADA) as rounds:
        for name in ("r0", "r1"):
            await model.step(name, 2)
        seen = [news async for news in rounds]

    assert [2, 2] in map(lengths, seen)
    assert all(isinstance(one, DeadlineExceeded) for one in seen[-1])


async def test_without_requests_there_is_one_empty_round() -> None:
    async with a_queue(FakeModel()) as queue, all_of(queue, [], asker=ADA) as rounds:
        assert [news async for news in rounds] == [()]


async def test_an_unexpected_error_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    @asynccontextmanager
    async def broken(*_: object, **__: object) -> AsyncIterator[AsyncIterator[Progress]]:
        async def updates() -> AsyncIterator[Progress]:
            yield Progress(())
            raise LookupError("a defect")

        yield updates()

    async with a_queue(FakeModel()) as queue:
        monkeypatch.setattr(queue, "stream", broken)
        async with all_of(queue, requests(2), asker=ADA) as rounds:
            await anext(rounds)
            with pytest.raises(LookupError, match="a defect"):
                await anext(rounds)
