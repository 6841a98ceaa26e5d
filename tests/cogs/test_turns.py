"""Pictures are drawn within limits and in turns; one of a scored text is always drawn."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from discord import InteractionResponseType
from simcord import InteractionResult

from bot.executor import Executor
from bot.playground.world import World
from bot.queue.limits import Asker, Limits
from bot.queue.queue import GenerationQueue
from bot.services import Services
from bot.store.runs import Runs
from bot.text.tokenization import Encodings
from tests.fakes.model import FakeModel
from tests.support.queues import some_limits
from tests.support.reading import card_of, refusal_of, text_of
from tests.support.worlds import live

pytestmark = pytest.mark.asyncio(loop_scope="session")

CHANNEL_MESSAGE = InteractionResponseType.channel_message.value
SOMEBODY_ELSE = Asker(1, None)
DRAWN = {
    "/tokens": lambda world: world.members[0].slash(world.channel, "tokens", text="Paris will"),
    "/decode": lambda world: world.members[0].slash(world.channel, "decode", ids="40313"),
    "/surprise": lambda world: world.members[0].slash(world.channel, "surprise", text="Paris will"),
}
Act = Callable[[World], Awaitable[InteractionResult]]


@asynccontextmanager
async def a_world(services: Services, executor: Executor) -> AsyncIterator[World]:
    async with live(replace(services, executor=executor)) as world:
        yield world


@pytest.mark.parametrize("act", DRAWN.values(), ids=DRAWN.keys())
async def test_too_much_is_refused_privately_at_once(services: Services, act: Act) -> None:
    executor = Executor(some_limits(max_waiting=0))
    async with a_world(services, executor) as world:
        async with executor.place(SOMEBODY_ELSE):
            answer = await act(world)

            assert refusal_of(answer).startswith("The queue is full: ")
            assert "try again in about" in refusal_of(answer)
            callback = world.env.http_requests[-1].json or {}
            assert callback["type"] == CHANNEL_MESSAGE  # there was no "thinking…" before it
        await world.env.settle()
        assert card_of(await act(world))


@pytest.mark.parametrize("act", DRAWN.values(), ids=DRAWN.keys())
async def test_one_person_s_pictures_are_limited(services: Services, act: Act) -> None:
    executor = Executor(some_limits(per_person=1))
    async with a_world(services, executor) as world, executor.place(Asker(world.members[0].id, None)):
        refused = refusal_of(await act(world))

        assert refused == "You already have 1 request in progress. Please try again when one finishes."


@pytest.mark.parametrize("act", DRAWN.values(), ids=DRAWN.keys())
async def test_requests_during_a_restart_are_refused(services: Services, act: Act) -> None:
    executor = Executor()
    async with a_world(services, executor) as world:
        executor.close()

        assert "restarting" in refusal_of(await act(world))


async def test_a_scored_text_is_drawn_even_if_the_executor_is_full(
    runs: Runs,
) -> None:
    model, executor = FakeModel(stepwise=True), Executor(some_limits(max_waiting=0, per_person=1))
    async with (
        GenerationQueue(model, Limits(max_waiting=1, max_running=1, per_person=1, deadline=60)) as queue,
        live(Services(queue, Encodings(), runs, executor)) as world,
    ):
        ada = world.members[0]
        answer = await ada.slash(world.channel, "surprise", text="Paris will")
        async with executor.place(Asker(ada.id, None)):
            executor.close()
            await model.step(model.started[0], 2)
            await world.env.settle()

        assert "Paris" in text_of(card_of(answer))
