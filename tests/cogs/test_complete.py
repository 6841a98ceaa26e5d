"""/complete as people use it: streamed, seeded, stopped, continued, rolled again."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
from discord import ui
from simcord import ChannelHandle, InteractionResult, MemberActor

from bot.custom_ids import custom_id, delete_id
from bot.model.client.process import ModelProcess
from bot.playground.real_time import SimulatedGenerations, outside
from bot.playground.world import World
from bot.queue.queue import GenerationQueue
from tests.cogs.conftest import OpenWorld
from tests.fakes.model import FakeModel, settled
from tests.support.reading import buttons, card_of, refusal_of, text_of, written_in
from tests.support.worlds import forget

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def complete(person: MemberActor, channel: ChannelHandle, **options: Any) -> InteractionResult:
    defaults: Mapping[str, Any] = {"prompt": "London was", "seed": 42, "max_tokens": 8}
    return await person.slash(channel, "complete", **{**defaults, **options})


@pytest.mark.slow
async def test_the_same_seed_gives_the_same_text(
    world: World, ada: MemberActor, channel: ChannelHandle
) -> None:
    texts = set()
    for _ in range(3):
        texts.add(written_in(await complete(ada, channel)))
        await forget(world)
    other = written_in(await complete(ada, channel, seed=43))

    assert len(texts) == 1
    assert other not in texts
    assert all(text.startswith("London was") for text in (*texts, other))


async def test_a_seed_is_drawn_and_shown_when_none_is_given(ada: MemberActor, channel: ChannelHandle) -> None:
    answer = await ada.slash(channel, "complete", prompt="London was", max_tokens=8)
    (seed,) = re.findall(r"seed (\d+)", text_of(answer))

    assert written_in(await complete(ada, channel, seed=int(seed))) == written_in(answer)


async def test_greedy_ignores_the_seed(ada: MemberActor, channel: ChannelHandle) -> None:
    texts = {written_in(await complete(ada, channel, temperature=0.0, seed=seed)) for seed in (1, 2)}

    assert len(texts) == 1


async def test_private_is_for_one_person(ada: MemberActor, channel: ChannelHandle) -> None:
    assert card_of(await complete(ada, channel, private=True)).ephemeral
    assert not card_of(await complete(ada, channel)).ephemeral


async def test_continue_goes_on_as_one_longer_request(ada: MemberActor, channel: ChannelHandle) -> None:
    whole = written_in(await complete(ada, channel, max_tokens=16))
    first = card_of(await complete(ada, channel))
    answer = await ada.click(first, label="Continue")

    assert written_in(answer) == whole
    assert card_of(answer).id == first.id


async def test_continue_by_another_person_leaves_the_author_s_card(
    ada: MemberActor, grace: MemberActor, channel: ChannelHandle
) -> None:
    first = card_of(await complete(ada, channel))
    before = text_of(first)
    answer = await grace.click(first, label="Continue")

    assert card_of(answer).id != first.id
    assert text_of(first) == before


async def test_a_re_roll_is_another_text_in_another_message(ada: MemberActor, channel: ChannelHandle) -> None:
    first = await complete(ada, channel)
    second = await ada.click(card_of(first), label="Re-roll")

    assert card_of(second).id != card_of(first).id
    assert text_of(second).startswith("London was")
    assert "seed 42" in text_of(first)
    assert "seed 42 " not in text_of(second)


@pytest.mark.slow
async def test_buttons_work_after_the_bot_restarted(
    ada: MemberActor, channel: ChannelHandle, restart: Callable[[], Awaitable[None]]
) -> None:
    whole = written_in(await complete(ada, channel, max_tokens=16))
    answer = await complete(ada, channel)
    await restart()

    assert written_in(await ada.click(card_of(answer), label="Continue")) == whole


async def test_a_repeated_request_is_served_from_the_store_and_labelled(open_world: OpenWorld) -> None:
    model = FakeModel()
    async with open_world(model) as world:
        ada, grace, *_ = world.members
        first = await complete(ada, world.channel)
        await world.env.settle()
        second = await complete(grace, world.channel)

        assert written_in(second) == written_in(first)
        assert "Same request as at 20" in text_of(second)
        assert "Same request" not in text_of(first)
        assert card_of(second).id != card_of(first).id
        assert len(model.started) == 1
        assert "[Continue]" in text_of(await grace.click(card_of(second), label="Continue"))


@pytest.mark.parametrize("changed", [{"seed": 43}, {"top_k": 3}, {"max_tokens": 9}, {"prompt": "London is"}])
async def test_anything_else_is_computed(open_world: OpenWorld, changed: dict[str, Any]) -> None:
    model = FakeModel()
    async with open_world(model) as world:
        for options in ({}, changed):
            await complete(world.members[0], world.channel, **options)
            await world.env.settle()

        assert len(model.started) == 2


async def test_a_private_request_is_not_reused_for_another_person(open_world: OpenWorld) -> None:
    model = FakeModel()
    async with open_world(model) as world:
        ada, grace, *_ = world.members
        await complete(ada, world.channel, private=True)
        await world.env.settle()

        assert "Same request" not in text_of(await complete(grace, world.channel))
        assert "Same request" in text_of(await complete(ada, world.channel))


@pytest.mark.slow
async def test_a_random_seed_always_runs_the_model(open_world: OpenWorld) -> None:
    model = FakeModel()
    async with open_world(model) as world:
        for _ in range(2):
            await world.members[0].slash(world.channel, "complete", prompt="London was", max_tokens=3)
            await world.env.settle()

        assert len(model.started) == 2


async def test_a_forgotten_run_says_so(world: World) -> None:
    ada = world.members[0]
    card = card_of(await complete(ada, world.channel))
    await forget(world)

    assert "no longer works" in refusal_of(await ada.click(card, label="Continue"))


@pytest.mark.slow
async def test_a_long_text_comes_whole_as_a_file(ada: MemberActor, channel: ChannelHandle) -> None:
    prompt = "*" * 1900 + " London was"
    answer = await complete(ada, channel, prompt=prompt, max_tokens=64)
    (file,) = card_of(answer).message.attachments
    whole = (await file.read()).decode()

    assert file.filename == "text.txt"
    assert whole.startswith(prompt)
    assert whole.endswith(written_in(answer).rstrip()[-20:])
    assert not card_of(await complete(ada, channel)).attachments


async def test_the_text_grows_and_stop_keeps_what_was_written(live_world: World) -> None:
    ada, channel = live_world.members[0], live_world.channel
    answer = await complete(ada, channel, max_tokens=256, temperature=2.0)
    card = card_of(answer)
    assert "of 256 tokens" in text_of(card)
    assert "[Stop]" in text_of(card)

    await ada.click(card, label="Stop")
    while "[Stop]" in text_of(card):
        await live_world.env.settle()

    assert "Stopped after" in text_of(card)
    assert "[Continue]" in text_of(card)


async def test_only_the_author_stops(open_world: OpenWorld) -> None:
    model = FakeModel(stepwise=True)
    async with open_world(model) as world:
        ada, grace, *_ = world.members
        card = card_of(await complete(ada, world.channel))

        refusal = refusal_of(await grace.click(card, label="Stop"))

        assert refusal == "Only the person who asked can stop this."
        assert "[Stop]" in text_of(card)


async def test_the_place_in_the_queue_is_shown_while_waiting(open_world: OpenWorld) -> None:
    model = FakeModel(stepwise=True)
    async with open_world(model) as world:
        first, second, third = [card_of(await complete(person, world.channel)) for person in world.members]
        assert "0 of 8 tokens" in text_of(first)
        assert "You're first in line." in text_of(second)
        assert "You're 2nd in line." in text_of(third)

        await model.step(model.started[0], 9)
        await world.env.settle()

        assert "[Continue]" in text_of(first)
        assert "0 of 8 tokens" in text_of(second)
        assert "You're first in line" in text_of(third)


async def test_a_full_queue_says_when_to_come_back(open_world: OpenWorld) -> None:
    async with open_world(FakeModel(stepwise=True), max_waiting=1) as world:
        ada, grace, alan = world.members
        await complete(ada, world.channel)
        await complete(grace, world.channel)

        assert re.search(
            r"queue is full: 1 request waiting.* about \d+ seconds",
            refusal_of(await complete(alan, world.channel)),
        )


async def test_one_person_cannot_take_every_place(open_world: OpenWorld) -> None:
    async with open_world(FakeModel(stepwise=True), per_person=1) as world:
        ada, grace, *_ = world.members
        await complete(ada, world.channel)

        assert "already have 1 request in progress" in refusal_of(await complete(ada, world.channel))
        assert card_of(await complete(grace, world.channel))


async def test_one_server_cannot_take_every_place(open_world: OpenWorld) -> None:
    async with open_world(FakeModel(stepwise=True), per_server=1) as world:
        ada, grace, *_ = world.members
        await complete(ada, world.channel)

        assert "server already has 1 request in progress" in refusal_of(await complete(grace, world.channel))


async def test_a_request_too_soon_says_when_to_come_back(open_world: OpenWorld) -> None:
    async with open_world(FakeModel(stepwise=True), max_running=2, person_cooldown=3600.0) as world:
        ada, grace, *_ = world.members
        await complete(ada, world.channel)

        assert "try again in 60 minutes" in refusal_of(await complete(ada, world.channel))
        assert card_of(await complete(grace, world.channel))


@pytest.mark.slow
async def test_the_text_before_a_failure_stays(open_world: OpenWorld) -> None:
    model = FakeModel(stepwise=True)
    async with open_world(model, deadline=1.0) as world:
        ada = world.members[0]
        answer = await complete(ada, world.channel)
        await model.step(model.started[0], 3)
        card = answer.response
        assert card is not None
        while "[Stop]" in text_of(card):
            await settled()
            await world.env.settle()

        assert "Cut short." in text_of(card)
        assert "[Continue]" in text_of(card)
        assert "took longer than" in refusal_of(answer)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"prompt": "   \n"}, "The prompt is blank"),
        (
            {"prompt": "🙃" * 999, "max_tokens": 256},
            "tokens; the model can only see 1,024, including what it writes",
        ),
        ({"prompt": "a " * 900, "max_tokens": 256}, "256 more, but the model can only see"),
    ],
)
async def test_a_request_that_cannot_be_served_is_answered_in_private(
    ada: MemberActor, channel: ChannelHandle, options: dict[str, Any], sentence: str
) -> None:
    assert sentence in refusal_of(await complete(ada, channel, **options))


@pytest.mark.parametrize("prompt", ["<|endoftext|>", "a\x00b", "@everyone ```", "\u202egnol", "a\ud83d"])
async def test_odd_prompts_are_text_like_any_other(
    ada: MemberActor, channel: ChannelHandle, prompt: str
) -> None:
    assert card_of(await complete(ada, channel, prompt=prompt))


async def test_a_failed_edit_does_no_harm(open_world: OpenWorld) -> None:
    model = FakeModel(stepwise=True)
    async with open_world(model) as world:
        card = card_of(await complete(world.members[0], world.channel))
        for steps in (1, 8):  # a progress, and the end
            world.env.inject_error("PATCH", "/webhooks/*/*/messages/@original", status=500, times=1)
            await model.step(model.started[0], steps)
            await world.env.settle()

        assert "8 tokens" in text_of(card)
        assert "[Continue]" in text_of(card)


async def test_a_deleted_card_ends_its_generation(open_world: OpenWorld) -> None:
    model = FakeModel(stepwise=True)
    async with open_world(model) as world:
        ada = world.members[0]
        card = card_of(await complete(ada, world.channel))
        world.env.inject_error("PATCH", "/webhooks/*/*/messages/@original", status=404, code=10008, times=1)
        await model.step(model.started[0])
        await world.env.settle()
        await settled()

        assert model.running == []
        assert card


@pytest.mark.slow
async def test_shutting_down_finishes_the_cards(open_world: OpenWorld) -> None:
    model = FakeModel(stepwise=True)
    async with open_world(model) as world:
        answer = await complete(world.members[0], world.channel)
        generations = world.bot.services.generations
        assert isinstance(generations, SimulatedGenerations)
        queue = generations._inner
        assert isinstance(queue, GenerationQueue)
        closing = outside(asyncio.create_task, queue.close(patience=5.0))
        while not closing.done():
            await settled()
            await world.env.settle()
        # The queue is closed once it has sent the end; the card is edited after that.
        await settled()
        await world.env.settle()

        assert "Cut short." in text_of(answer.response or card_of(answer))
        assert refusal_of(answer) == "I'm restarting. Please try again in a minute."


async def test_stop_pressed_as_the_text_ends_is_no_error(ada: MemberActor, channel: ChannelHandle) -> None:
    card = card_of(await complete(ada, channel))
    run_id = next(buttons(card.components))["custom_id"].rpartition(":")[2]
    stop = custom_id("complete", "stop", run_id)
    view = ui.LayoutView()
    view.add_item(ui.ActionRow(ui.Button(label="Stop", custom_id=stop)))
    message = await card.message.channel.send(view=view)

    assert not (await ada.click(message, custom_id=stop)).followups


async def test_two_presses_of_continue_are_one(open_world: OpenWorld) -> None:
    model = FakeModel(stepwise=True)
    async with open_world(model, max_running=4, per_person=4) as world:
        ada = world.members[0]
        card = card_of(await complete(ada, world.channel))
        await model.step(model.started[0], 9)
        await world.env.settle()
        go_on = next(buttons(card.components))["custom_id"]
        view = ui.LayoutView()
        mine = ui.Button[Any](label="Delete", custom_id=delete_id(ada.id))
        view.add_item(ui.ActionRow(ui.Button(label="Continue", custom_id=go_on), mine))
        twin = await card.message.channel.send(view=view)
        await ada.click(card, custom_id=go_on)
        await ada.click(twin, custom_id=go_on)

        assert len(model.started) == 2


async def test_a_double_click_is_one_press(open_world: OpenWorld) -> None:
    model = FakeModel(stepwise=True)
    async with open_world(model, max_running=4, per_person=4) as world:
        ada, grace, *_ = world.members
        card = card_of(await complete(ada, world.channel))
        await model.step(model.started[0], 9)
        await world.env.settle()
        for person in (ada, ada, grace):
            await person.click(card, label="Re-roll")

        assert len(model.started) == 3


async def test_stop_on_a_card_from_before_a_restart_says_so(world: World) -> None:
    view = ui.LayoutView()
    stop = custom_id("complete", "stop", "0" * 16)
    view.add_item(ui.ActionRow(ui.Button(label="Stop", custom_id=stop)))
    ada = world.members[0]
    card = card_of(await complete(ada, world.channel))
    message = await card.message.channel.send(view=view)

    assert refusal_of(await ada.click(message, custom_id=stop)) == "Already finished."


async def test_a_running_text_is_not_stored_once_its_author_is_forgotten(
    open_world: OpenWorld,
) -> None:
    model = FakeModel(stepwise=True)
    async with open_world(model) as world:
        ada = world.members[0]
        card = card_of(await complete(ada, world.channel))
        await ada.slash(world.channel, "forget")
        await model.step(model.started[0], 9)
        await world.env.settle()

        assert "no longer works" in refusal_of(await ada.click(card, label="Continue"))


@pytest.mark.slow
async def test_a_killed_worker_is_replaced_and_the_text_is_the_same(
    live_world: World, model: ModelProcess
) -> None:
    ada, channel = live_world.members[0], live_world.channel
    texts = []
    for kill in (False, True):
        await forget(live_world)
        card = card_of(await complete(ada, channel, max_tokens=200, temperature=1.3))
        if kill:
            assert "[Stop]" in text_of(card)
            assert model.pid is not None
            os.kill(model.pid, signal.SIGKILL)
        while "[Stop]" in text_of(card):
            await live_world.env.settle()
            await asyncio.sleep(0.05)
        texts.append(written_in(card))

    assert texts[0] == texts[1]


async def test_numbers_are_for_the_person_who_presses(
    ada: MemberActor, grace: MemberActor, channel: ChannelHandle
) -> None:
    card = card_of(await complete(ada, channel))
    numbers = await grace.click(card, label="Numbers")
    text = text_of(numbers)

    assert card_of(numbers).ephemeral
    assert "Settings: temperature 0.9 · top-k 50 · top-p 1 · seed 42 · up to 8 tokens at a time" in text
    assert "Tokens: 2 in the prompt, 8 after it" in text
    assert re.search(r"Speed: 8 tokens in \d+\.\d s, [\d.]+ tokens/s\n", text)
    assert re.search(r"Ids: 23421 373( \d+){8}\n", text)
