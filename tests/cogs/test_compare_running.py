"""/compare while it runs: growing, waiting, stopped, refused."""

from __future__ import annotations

import re

import pytest
from discord import ui

from bot.custom_ids import custom_id
from tests.cogs.conftest import OpenWorld
from tests.fakes.model import FakeModel, settled
from tests.support.comparing import compare, opening, texts_of
from tests.support.queues import queue_of
from tests.support.reading import buttons, card_of, refusal_of, text_of

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_all_three_run_at_once_where_there_is_room(open_world: OpenWorld) -> None:
    model = FakeModel(stepwise=True)
    async with open_world(model, max_running=6, per_person=1) as world:
        await compare(world.members[0], world.channel)

        assert model.most_running == 3


async def test_the_texts_grow_together(open_world: OpenWorld) -> None:
    model = FakeModel(stepwise=True)
    async with open_world(model, max_running=6) as world:
        card = card_of(await compare(world.members[0], world.channel))
        assert list(texts_of(card).values()) == [" ✍️"] * 3
        for name in list(model.started):
            await model.step(name, 2)
        await world.env.settle()

        grown = texts_of(card)
        assert all(text.endswith(" ✍️") and len(text) > 4 for text in grown.values())
        assert "[Stop]" in text_of(card)


@pytest.mark.slow
async def test_texts_without_a_slot_wait(open_world: OpenWorld) -> None:
    model = FakeModel(stepwise=True)
    async with open_world(model, max_running=2) as world:
        card = card_of(await compare(world.members[0], world.channel))

        assert list(texts_of(card).values()) == [" ✍️"] * 2 + ["⏳"]


async def test_stop_ends_all_and_keeps_what_was_written(open_world: OpenWorld) -> None:
    model = FakeModel(stepwise=True)
    async with open_world(model, max_running=2) as world:
        ada = world.members[0]
        answer = await compare(ada, world.channel)
        for name in list(model.started):
            await model.step(name, 2)
        await world.env.settle()
        await ada.click(card_of(answer), label="Stop")
        await world.env.settle()
        await settled()

        assert model.running == []
        assert text_of(answer).count(", stopped: ") == 3
        can_open = [button for button in buttons(card_of(answer).components) if not button.get("disabled")]
        assert [button["label"][2:] for button in can_open][:2] == ["greedy", "temperature 0.7"]
        assert "[③ temperature 1.0] (disabled)" in text_of(answer)
        assert "[Stop]" not in text_of(answer)
        assert "[Delete]" in text_of(answer)


async def test_only_the_author_stops(open_world: OpenWorld) -> None:
    model = FakeModel(stepwise=True)
    async with open_world(model, max_running=6) as world:
        ada, grace, *_ = world.members
        card = card_of(await compare(ada, world.channel))

        assert refusal_of(await grace.click(card, label="Stop")) == "Only the person who asked can stop this."
        assert len(model.running) == 3


async def test_stop_pressed_as_the_texts_end_is_no_error(open_world: OpenWorld) -> None:
    async with open_world(FakeModel(), max_running=6) as world:
        ada = world.members[0]
        answer = await compare(ada, world.channel)
        await world.env.settle()
        run_id = opening(card_of(answer))["greedy"].rpartition(":")[2]
        stop = custom_id("compare", "stop", run_id)
        view = ui.LayoutView()
        view.add_item(ui.ActionRow(ui.Button(label="Stop", custom_id=stop)))
        message = await card_of(answer).message.channel.send(view=view)

        assert not (await ada.click(message, custom_id=stop)).followups


async def test_a_deleted_card_ends_all(open_world: OpenWorld) -> None:
    model = FakeModel(stepwise=True)
    async with open_world(model, max_running=6) as world:
        await compare(world.members[0], world.channel)
        world.env.inject_error("PATCH", "/webhooks/*/*/messages/@original", status=404, code=10008, times=1)
        for name in list(model.started):
            await model.step(name)
        await world.env.settle()
        await settled()

        assert model.running == []


async def test_a_queue_without_room_for_all_takes_none(open_world: OpenWorld) -> None:
    model = FakeModel(stepwise=True)
    async with open_world(model, max_running=1, max_waiting=1) as world:
        answer = await compare(world.members[0], world.channel)
        await world.env.settle()
        await settled()

        assert re.fullmatch(r"The queue is full: .* about \d+ seconds\.", refusal_of(answer))
        assert model.running == []
        counts = queue_of(world).counts
        assert counts.admitted == counts.cancelled == 2


async def test_the_three_count_as_one_request(open_world: OpenWorld) -> None:
    async with open_world(FakeModel(stepwise=True), max_running=8, per_person=2) as world:
        ada = world.members[0]
        await compare(ada, world.channel)
        await compare(ada, world.channel)

        assert "already have 2 requests" in refusal_of(await compare(ada, world.channel))


@pytest.mark.slow
async def test_a_comparison_that_takes_too_long_is_cut_short_and_says_so_once(open_world: OpenWorld) -> None:
    model = FakeModel(stepwise=True)
    async with open_world(model, max_running=6, deadline=1.0) as world:
        answer = await compare(world.members[0], world.channel)
        for name in list(model.started):
            await model.step(name, 3)
        while "[Delete]" not in text_of(answer.response or card_of(answer)):
            await settled()
            await world.env.settle()

        assert text_of(answer.response or card_of(answer)).count(", cut short: ") == 3
        assert "took longer than" in refusal_of(answer)
        assert len(answer.followups) == 1


async def test_stop_on_a_card_from_before_a_restart_says_so(open_world: OpenWorld) -> None:
    async with open_world(FakeModel(stepwise=True), max_running=6) as world:
        ada = world.members[0]
        card = card_of(await compare(ada, world.channel))
        stop = custom_id("compare", "stop", "0" * 16)
        view = ui.LayoutView()
        view.add_item(ui.ActionRow(ui.Button(label="Stop", custom_id=stop)))
        message = await card.message.channel.send(view=view)

        assert refusal_of(await ada.click(message, custom_id=stop)) == "Already finished."
