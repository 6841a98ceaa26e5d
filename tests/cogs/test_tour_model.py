"""/tour with a model that fails, is busy, gives other results, or was replaced."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest
from msgspec import structs
from simcord import InteractionResult

from bot.interactions.lifecycle import InteractionTracker
from bot.model.protocol import Ended, GenerationRequest, Stepped
from bot.playground.world import World
from tests.cogs.conftest import OpenWorld
from tests.fakes.model import FakeModel
from tests.fakes.scripted_worker import scripted_info
from tests.support.queues import queue_of
from tests.support.reading import buttons, card_of, refusal_of, text_of
from tests.support.touring import TITLES, at, title
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Forgetful(FakeModel):
    """A model that writes something else each time, from the third token on."""

    async def run(self, request: GenerationRequest) -> AsyncGenerator[Stepped | Ended, None]:
        times = len(self.started)
        async for event in super().run(request):
            if isinstance(event, Stepped) and event.index >= 2:
                token_id = event.step.chosen.token_id + times
                chosen = structs.replace(event.step.chosen, token_id=token_id % 50257)
                event = structs.replace(event, step=structs.replace(event.step, chosen=chosen))
            yield event


async def test_a_model_that_writes_something_else_is_not_called_identical(open_world: OpenWorld) -> None:
    async with open_world(Forgetful()) as world:
        answer = await at(7, world.members[0], world.channel)
        await world.env.settle()

        assert "Again with seed 42: 2 of 16 the same" in text_of(answer)


async def test_another_model_restarts_the_tour_at_the_same_station(open_world: OpenWorld) -> None:
    model = FakeModel()
    async with open_world(model) as world:
        ada = world.members[0]
        answer = await at(4, ada, world.channel)
        await world.env.settle()
        asked = len(model.started)
        model.info = structs.replace(scripted_info("another"), name="another")
        on = await ada.click(card_of(answer), label="Next")
        await world.env.settle()

        assert title(on) == TITLES[4]
        assert "another · seed 42" in text_of(on)
        assert len(model.started) == asked + 3  # the text, and its next token at two other temperatures
        await ada.click(card_of(on), label="Next")
        assert len(model.started) == asked + 3


@pytest.mark.slow
async def test_a_station_that_fails_leaves_the_card_as_it_was(open_world: OpenWorld) -> None:
    model = FakeModel(stepwise=True)
    async with open_world(model) as world:
        ada = world.members[0]
        queue = queue_of(world)
        answer = await ada.slash(world.channel, "tour")
        await model.step(model.started[0], 17)
        await world.env.settle()
        two = await ada.click(card_of(answer), label="Next")
        card, before = card_of(two), text_of(two)
        queue._limits = replace(queue._limits, deadline=0.5)  # only the press is short of time
        pressed = await ada.click(card, label="Next")
        assert all(button["disabled"] for button in buttons(card.components))

        async def restored() -> bool:
            await world.env.settle()
            return text_of(card) == before

        await until(restored)
        assert "took longer than" in text_of(pressed)


async def test_a_station_s_second_request_has_the_time_that_its_first_one_left(open_world: OpenWorld) -> None:
    now, model = 0.0, FakeModel(stepwise=True)
    async with open_world(model, deadline=600.0) as world:
        world.bot.tracker = InteractionTracker(clock=lambda: now)
        ada = world.members[0]
        answer = await ada.slash(world.channel, "tour")
        await model.step(model.started[0], 17)
        await world.env.settle()
        for _ in range(2):
            answer = await ada.click(card_of(answer), label="Next")
        await model.step(model.started[1], 18)
        await world.env.settle()
        modal = await ada.click(card_of(answer), label="Try it yourself")
        own = await ada.submit_modal(modal, {"text": "Paris will"})
        now += 599.9
        await model.step(model.started[2], 17)
        await until(lambda: _settled(world, own, "took longer than 10 minutes"))

        assert len(model.started) == 4
        assert model.running == []


async def _settled(world: World, answer: InteractionResult, words: str) -> bool:
    await world.env.settle()
    return words in text_of(answer)


async def test_a_press_that_is_refused_changes_nothing(open_world: OpenWorld) -> None:
    model = FakeModel(stepwise=True)
    async with open_world(model, per_person=1) as world:
        ada = world.members[0]
        answer = await ada.slash(world.channel, "tour")
        await model.step(model.started[0], 17)
        await world.env.settle()
        two = await ada.click(card_of(answer), label="Next")
        card, before = card_of(two), text_of(two)
        await ada.slash(world.channel, "complete", prompt="x")
        refused = await ada.click(card, label="Next")

        assert "already have 1 request" in refusal_of(refused)
        assert text_of(card) == before
