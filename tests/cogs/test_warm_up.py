"""Whatever asks the model while it loads waits in line, and is answered as soon as it is ready."""

from __future__ import annotations

from typing import Any

import pytest
from discord import ui
from simcord import InteractionResult

from bot.custom_ids import custom_id, delete_id, help_id, numbers_id
from bot.errors import ModelUnusable
from bot.model.protocol import GenerationRequest, Loading, Step
from bot.playground.answer import seen
from bot.playground.world import World
from bot.store.runs import Runs
from tests.cogs.conftest import OpenWorld
from tests.fakes.model import FakeModel, settled
from tests.fakes.scripted_worker import scripted_info
from tests.support.inspecting import keep, posted
from tests.support.reading import card_of, refusal_of, text_of
from tests.support.samples import ADA, completion_run, step, walk_run

pytestmark = pytest.mark.asyncio(loop_scope="session")

UNUSABLE = ModelUnusable("secret/path", problem="there is no such model.", reason="not_found")
COMMANDS: dict[str, dict[str, Any]] = {
    "complete": {"prompt": "London was", "seed": 42, "max_tokens": 3},
    "next": {"prompt": "London was"},
    "compare": {"prompt": "London was", "max_tokens": 3},
    "surprise": {"text": "London was"},
    "guess": {"text": "London was"},
    "tour": {},
    "vocabulary": {"query": "#481"},
    "model": {},
}
RUN, WALK = "c" * 16, "d" * 16
BUTTONS = (
    custom_id("complete", "continue", RUN),
    custom_id("complete", "reroll", RUN),
    custom_id("why", "fork", RUN, 0, 532, False),
    custom_id("run", "code", RUN),
    custom_id("run", "replay", RUN),
    custom_id("next", "append", WALK, 530),
    custom_id("next", "roll", WALK),
    custom_id("numbers", "next", WALK),
    numbers_id("model"),
    numbers_id("vocabulary", 481),
    custom_id("guess", "next", WALK),
    custom_id("tour", "show", RUN, 2),
    custom_id("tour", "walk", RUN),
    custom_id("tour", "play", RUN),
    help_id("run", "next"),
)


def a_loading_model() -> FakeModel:
    def says(request: GenerationRequest, index: int) -> Step:
        """A step with five candidates: /guess needs four that look different."""
        return step(request.prompt_ids[index + 1] if request.scored else 530 + 7 * index)

    return FakeModel(info=None, loading=Loading("packing weights", 3, 4, "layers"), says=says)


async def loaded(world: World, model: FakeModel) -> None:
    await model.load(scripted_info())
    await world.env.settle()
    await settled()
    await world.env.settle()


def buttons_of_last(world: World) -> dict[str, bool]:
    """The labels of the buttons on the channel's last message, and whether each can be pressed."""
    message = world.channel.last_message
    assert message is not None
    items = ui.LayoutView.from_message(message, timeout=None).walk_children()
    return {str(item.label): not item.disabled for item in items if isinstance(item, ui.Button)}


def warming(answer: InteractionResult) -> str:
    """The card that says that the model is loading; fails if there is another."""
    text = text_of(card_of(answer))
    assert "The model is loading: packing weights, 75 %" in text
    return text


@pytest.mark.parametrize("name", COMMANDS)
async def test_a_command_waits_for_the_model_and_is_then_answered(open_world: OpenWorld, name: str) -> None:
    model = a_loading_model()
    async with open_world(model, max_running=6) as world:
        answer = await world.members[0].slash(world.channel, name, **COMMANDS[name])
        assert "Warming up, you're first in line." in warming(answer)
        await loaded(world, model)

        text = text_of(card_of(answer))
        assert "Warming up" not in text
        assert "[Delete]" in text


@pytest.mark.parametrize("pressed", BUTTONS)
async def test_a_button_waits_for_the_model_and_is_then_answered(
    open_world: OpenWorld, runs: Runs, pressed: str
) -> None:
    model = a_loading_model()
    await keep(runs, completion_run(RUN, fingerprint=scripted_info().fingerprint))
    await keep(runs, walk_run(WALK))
    async with open_world(model) as world:
        message = await posted(world, pressed)
        answer = await world.members[0].click(message, custom_id=pressed)
        assert "Warming up, you're first in line." in warming(answer)
        await loaded(world, model)

        assert "Warming up" not in text_of(card_of(answer))


async def test_a_card_to_be_replaced_stays_with_its_buttons_disabled_meanwhile(
    open_world: OpenWorld, runs: Runs
) -> None:
    model = a_loading_model()
    await keep(runs, completion_run(RUN, fingerprint=scripted_info().fingerprint))
    async with open_world(model) as world:
        ada = world.members[0]
        card = await posted(world, BUTTONS[0], delete_id(ada.id))
        pressed = await ada.click(card, custom_id=BUTTONS[0])
        assert list(buttons_of_last(world).values()) == [False, False]
        await loaded(world, model)

        assert len(seen(pressed)) == 1  # the card itself
        assert buttons_of_last(world)["Continue"]


async def test_a_card_whose_press_is_refused_in_the_end_gets_its_buttons_back(
    open_world: OpenWorld, runs: Runs
) -> None:
    model = a_loading_model()
    await keep(runs, completion_run(RUN))
    async with open_world(model) as world:
        ada = world.members[0]
        card = await posted(world, BUTTONS[0], delete_id(ada.id))
        pressed = await ada.click(card, custom_id=BUTTONS[0])
        await model.load(UNUSABLE)
        await world.env.settle()

        assert list(buttons_of_last(world).values()) == [True, True]
        assert refusal_of(pressed).startswith("I can't use my model")


async def test_people_see_their_place_in_line(open_world: OpenWorld) -> None:
    async with open_world(a_loading_model()) as world:
        answers = [await one.slash(world.channel, "next", prompt="London was") for one in world.members]
        assert [warming(answer).split("\n")[2] for answer in answers] == [
            "⏳ Warming up, you're first in line.",
            "⏳ Warming up, you're 2nd in line.",
            "⏳ Warming up, you're 3rd in line.",
        ]
        await world.members[0].click(card_of(answers[0]), label="Stop")
        await world.env.settle()

        assert "you're first in line" in warming(answers[1])
        assert "you're 2nd in line" in warming(answers[2])


async def test_a_prompt_that_mentions_people_pings_no_one_while_it_waits(open_world: OpenWorld) -> None:
    async with open_world(a_loading_model()) as world:
        answer = await world.members[0].slash(world.channel, "complete", prompt="@everyone **x** <@815>")

        assert r"\@everyone" in str(card_of(answer).components)


async def test_what_is_stopped_leaves_only_a_private_note(open_world: OpenWorld) -> None:
    model = a_loading_model()
    async with open_world(model) as world:
        ada, grace, *_ = world.members
        answer = await ada.slash(world.channel, "complete", prompt="London was")
        card = card_of(answer)
        assert refusal_of(await grace.click(card, label="Stop")) == "Only the person who asked can stop this."
        await ada.click(card, label="Stop")
        await world.env.settle()

        assert card.id not in [message.id for message in world.channel.history()]
        (note,) = answer.followups
        assert (note.ephemeral, text_of(note)) == (
            True,
            "Stopped before the model was ready. Nothing was written.",
        )
        await loaded(world, model)
        assert model.started == []


async def test_a_model_that_cannot_be_loaded_is_told_in_one_sentence(open_world: OpenWorld) -> None:
    model = a_loading_model()
    async with open_world(model) as world:
        ada, grace, *_ = world.members
        public = await ada.slash(world.channel, "complete", prompt="London was")
        private = await grace.slash(world.channel, "next", prompt="London was", private=True)
        await model.load(UNUSABLE)
        await world.env.settle()

        for answer in (public, private):
            assert refusal_of(answer) == "I can't use my model right now. The log tells my operator why."


async def test_what_only_the_loaded_model_can_tell_is_checked_once_it_is_ready(open_world: OpenWorld) -> None:
    model = a_loading_model()
    async with open_world(model) as world:
        answer = await world.members[0].slash(world.channel, "complete", prompt="London was")
        long = await world.members[1].slash(world.channel, "surprise", text="a b " * 600)
        assert warming(answer)
        await loaded(world, model)

        assert refusal_of(long).startswith("That's 1,201 tokens; the model can only see 1,024.")
        assert "[Delete]" in text_of(card_of(answer))


async def test_a_saved_reply_is_shown_once_the_model_is_known_to_be_the_same(
    open_world: OpenWorld, runs: Runs
) -> None:
    model = a_loading_model()
    model.info = scripted_info()
    async with open_world(model) as world:
        await world.members[0].slash(world.channel, "complete", **COMMANDS["complete"])
        await world.env.settle()
    model = a_loading_model()
    async with open_world(model) as world:
        answer = await world.members[0].slash(world.channel, "complete", **COMMANDS["complete"])
        assert "Same request" not in warming(answer)
        await loaded(world, model)

        assert model.started == []
        assert "Same request as at" in text_of(card_of(answer))


async def test_a_wait_that_takes_too_long_ends_privately_and_says_how_far_the_model_is(
    open_world: OpenWorld,
) -> None:
    async with open_world(a_loading_model(), deadline=0.2) as world:
        answer = await world.members[0].slash(world.channel, "next", prompt="London was")
        while not answer.followups:
            await settled()
            await world.env.settle()

        assert refusal_of(answer) == (
            "The model is still loading (packing weights, 75 %). Please try again in a moment."
        )


async def test_a_full_line_refuses_at_once(open_world: OpenWorld) -> None:
    async with open_world(a_loading_model(), max_running=1, max_waiting=1) as world:
        ada, grace, alan = world.members
        for person in (ada, grace):
            await person.slash(world.channel, "next", prompt="London was")

        assert "queue is full: 2 requests waiting" in refusal_of(
            await alan.slash(world.channel, "next", prompt="London was")
        )


async def test_all_texts_of_a_comparison_have_their_room(open_world: OpenWorld) -> None:
    model = a_loading_model()
    async with open_world(model, max_running=1, max_waiting=8) as world:
        ada, grace, *_ = world.members
        await ada.slash(world.channel, "compare", prompt="London was", max_tokens=3)

        assert world.bot.services.generations.load.waiting == 1
        await grace.slash(world.channel, "next", prompt="London was")
        await loaded(world, model)
        assert len(model.started) >= 4


async def test_what_does_not_ask_the_model_does_not_wait(open_world: OpenWorld, runs: Runs) -> None:
    await keep(runs, completion_run(RUN, owner=ADA))
    async with open_world(a_loading_model()) as world:
        ada = world.members[0]
        message = await posted(world, custom_id("why", "open", RUN), custom_id("numbers", "why", RUN, 0))
        assert "2 tokens" in text_of(await ada.slash(world.channel, "tokens", text="London was"))
        for pressed in (custom_id("why", "open", RUN), custom_id("numbers", "why", RUN, 0)):
            assert "Warming up" not in text_of(card_of(await ada.click(message, custom_id=pressed)))
