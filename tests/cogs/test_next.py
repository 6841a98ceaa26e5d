"""/next as people use it: look, append, draw, undo."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from simcord import ChannelHandle, MemberActor

from bot.custom_ids import custom_id
from bot.playground.plain import RULE
from bot.playground.world import World
from bot.services import Services
from tests.cogs.conftest import OpenWorld
from tests.fakes.model import FakeModel, settled
from tests.support.inspecting import posted, run_id_of
from tests.support.queues import queue_of
from tests.support.reading import buttons, card_of, refusal_of, text_of

pytestmark = pytest.mark.asyncio(loop_scope="session")


def labels(answer: Any) -> list[str]:
    return [button["label"] for button in buttons(card_of(answer).components)]


def sentence(answer: Any) -> str:
    return text_of(answer).partition("▁▁▁")[0].rstrip()


async def test_five_candidates_top_token_first(ada: MemberActor, channel: ChannelHandle) -> None:
    answer = await ada.slash(channel, "next", prompt="London was", seed=7)
    shares = [float(share) for share in re.findall(r"\d\. \S+ ([\d.e-]+)\s%", text_of(answer))]

    assert [label[0] for label in labels(answer)[:5]] == list("①②③④⑤")
    assert labels(answer)[5:] == ["Roll the dice", "Undo", "Numbers", "Delete"]
    assert len(shares) == 5
    assert shares == sorted(shares, reverse=True)
    assert "everything else" in text_of(answer)


async def test_the_draw_is_hidden_until_the_dice_are_rolled(ada: MemberActor, channel: ChannelHandle) -> None:
    first = await ada.slash(channel, "next", prompt="London was", seed=42)
    assert "drew" not in text_of(first)
    second = await ada.click(card_of(first), label="Roll the dice")

    (drawn,) = re.findall(r"^🎲 It drew (\S+), its .* choice \([\d.]+ %\)\.$", text_of(second), re.MULTILINE)
    assert sentence(second) == "London was" + drawn.replace("␣", " ")


async def test_numbers_are_shown_to_the_person_who_presses(
    ada: MemberActor, grace: MemberActor, channel: ChannelHandle
) -> None:
    answer = await ada.slash(channel, "next", prompt="London was", seed=42)
    numbers = await grace.click(card_of(answer), label="Numbers")

    assert card_of(numbers).ephemeral
    assert "Entropy of the whole distribution" in text_of(numbers)
    assert "Seed 42 draws" in text_of(numbers)
    assert len(re.findall(r"^\d\. .* id \d+ · logit", text_of(numbers), re.MULTILINE)) == 5


async def test_a_press_appends_the_token_in_the_same_message(
    ada: MemberActor, channel: ChannelHandle
) -> None:
    first = await ada.slash(channel, "next", prompt="London was", seed=7)
    token = labels(first)[2].removeprefix("③ ")
    second = await ada.click(card_of(first), label=labels(first)[2])

    assert card_of(second).id == card_of(first).id
    assert sentence(second) == "London was" + token.replace("␣", " ")
    assert "step 2" in text_of(second)


async def test_undo_takes_it_back(ada: MemberActor, channel: ChannelHandle) -> None:
    first = await ada.slash(channel, "next", prompt="London was", seed=7)
    before = text_of(first)
    second = await ada.click(card_of(first), label=labels(first)[0])
    third = await ada.click(card_of(second), label="Undo")

    assert text_of(third) == before


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"temperature": 1.5, "top_k": 0}, {"top_k": 3}])
async def test_a_walk_of_draws_is_the_completion_of_its_seed(
    ada: MemberActor, channel: ChannelHandle, options: dict[str, Any]
) -> None:
    whole = await ada.slash(channel, "complete", prompt="London was", seed=7, max_tokens=5, **options)
    step = await ada.slash(channel, "next", prompt="London was", seed=7, **options)
    for _ in range(5):
        step = await ada.click(card_of(step), label="Roll the dice")

    assert sentence(step) == text_of(whole).partition(RULE)[0].rstrip()


@pytest.mark.slow
async def test_a_repeated_request_is_served_from_the_store_and_labelled(open_world: OpenWorld) -> None:
    model = FakeModel()
    async with open_world(model) as world:
        ada, grace, *_ = world.members
        first = await ada.slash(world.channel, "next", prompt="London was", seed=7)
        await world.env.settle()
        second = await grace.slash(world.channel, "next", prompt="London was", seed=7)

        assert len(model.started) == 1
        assert "saved reply from 20" in text_of(second)
        assert text_of(second).startswith(text_of(first).rpartition("\n")[0])
        third = await grace.click(card_of(second), label=labels(second)[0])
        assert "step 2" in text_of(third)


async def test_a_walk_goes_on_after_the_bot_restarted(
    ada: MemberActor, channel: ChannelHandle, restart: Callable[[], Awaitable[None]]
) -> None:
    first = await ada.slash(channel, "next", prompt="London was", seed=7)
    await restart()
    second = await ada.click(card_of(first), label=labels(first)[2])

    assert "step 2" in text_of(second)


async def test_greedy_draws_the_top_token(ada: MemberActor, channel: ChannelHandle) -> None:
    answer = await ada.slash(channel, "next", prompt="London was", temperature=0.0)
    top_token = labels(answer)[0].removeprefix("① ")
    rolled = await ada.click(card_of(answer), label="Roll the dice")

    assert f"It drew {top_token}, its top choice" in text_of(rolled)
    assert "greedy" in text_of(answer)


async def test_the_draw_button_of_older_cards_still_works(ada: MemberActor, world: World) -> None:
    answer = await ada.slash(world.channel, "next", prompt="London was", seed=7)
    old = await posted(world, custom_id("next", "draw", run_id_of(card_of(answer)), 262))
    pressed = await ada.click(old, label=f"next:draw:{run_id_of(card_of(answer))}:262")

    assert sentence(pressed) == "London was the"


@pytest.mark.slow
async def test_while_a_press_is_computed_nothing_can_be_pressed(open_world: OpenWorld) -> None:
    model = FakeModel(stepwise=True)
    async with open_world(model) as world:
        ada = world.members[0]
        answer = await ada.slash(world.channel, "next", prompt="London was")
        await model.step(model.started[0], 2)
        await world.env.settle()
        card = card_of(answer)
        assert not all(button.get("disabled") for button in buttons(card.components))
        await ada.click(card, label=labels(answer)[0])

        assert all(button["disabled"] for button in buttons(card.components))
        await model.step(model.started[1], 2)
        await world.env.settle()
        assert not all(button.get("disabled") for button in buttons(card.components))


@pytest.mark.slow
async def test_a_press_that_fails_leaves_the_table_as_it_was(open_world: OpenWorld) -> None:
    model = FakeModel(stepwise=True)
    async with open_world(model) as world:
        ada = world.members[0]
        answer = await ada.slash(world.channel, "next", prompt="London was")
        await model.step(model.started[0], 2)
        await world.env.settle()
        card = card_of(answer)
        before = text_of(card)
        queue = queue_of(world)
        queue._limits = replace(queue._limits, deadline=0.3)  # only the press is short of time
        pressed = await ada.click(card, label=labels(answer)[0])
        while "(disabled)" in text_of(card).replace("[Undo] (disabled)", ""):
            await settled()
            await world.env.settle()

        assert text_of(card) == before
        assert "took longer than" in text_of(pressed)


async def test_another_person_s_press_starts_their_own_private_walk(
    ada: MemberActor, grace: MemberActor, channel: ChannelHandle
) -> None:
    first = await ada.slash(channel, "next", prompt="London was", seed=7)
    before = text_of(first)
    theirs = await grace.click(card_of(first), label=labels(first)[0])

    assert card_of(theirs).ephemeral
    assert "step 2" in text_of(theirs)
    assert text_of(first) == before


async def test_a_prompt_that_fills_the_context_has_no_next_token(
    ada: MemberActor, channel: ChannelHandle, services: Services
) -> None:
    context = services.generations.model.context
    answer = await ada.slash(channel, "next", prompt="🙃" * min(2000, context))

    assert f"the model can only see {context:,}" in refusal_of(answer)


async def test_a_blank_prompt_is_refused(ada: MemberActor, channel: ChannelHandle) -> None:
    assert "blank" in refusal_of(await ada.slash(channel, "next", prompt=" "))
