"""/compare as people use it: three or six texts from one prompt, opened, shared, requested again."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from simcord import ChannelHandle, MemberActor

from bot.custom_ids import OPEN
from bot.playground.plain import RULE
from bot.playground.world import World
from bot.store.runs import Runs
from tests.cogs.conftest import OpenWorld
from tests.fakes.model import FakeModel
from tests.support.comparing import compare, older_card, open_one, opening, texts_of
from tests.support.inspecting import elsewhere
from tests.support.reading import buttons, card_of, refusal_of, text_of, written_in
from tests.support.worlds import forget

pytestmark = pytest.mark.asyncio(loop_scope="session")

COMPLETIONS = {
    "greedy": {"temperature": 0.0},
    "temperature 0.3": {"temperature": 0.3},
    "temperature 0.7": {"temperature": 0.7},
    "temperature 1.0": {"temperature": 1.0},
    "temperature 1.5": {"temperature": 1.5},
    "top-p 0.9": {"temperature": 1.0, "top_p": 0.9},
}


@pytest.mark.slow
async def test_each_text_is_what_complete_writes_with_these_settings(
    ada: MemberActor, channel: ChannelHandle, world: World
) -> None:
    answer = await compare(ada, channel)
    assert list(texts_of(answer)) == ["greedy", "temperature 0.7", "temperature 1.0"]
    texts = texts_of(await ada.click(card_of(answer), label="Show all six"))
    await forget(world)

    assert list(texts) == list(COMPLETIONS)
    for method, options in COMPLETIONS.items():
        alone = await ada.slash(
            channel, "complete", prompt="London was", seed=42, max_tokens=8, top_k=0, **options
        )
        written = written_in(alone).removeprefix("London was")
        assert texts[method] == re.sub(r"\s*\n\s*", " ⏎ ", written.strip())


@pytest.mark.slow
async def test_it_says_where_each_text_differs_from_the_greedy_one(
    ada: MemberActor, channel: ChannelHandle
) -> None:
    answer = await compare(ada, channel, max_tokens=32)
    text = text_of(await ada.click(card_of(answer), label="Numbers"))

    assert "② temperature 0.7, differs from greedy at token 1: " in text_of(answer)
    assert re.search(
        r"differs from greedy at token \d+ \(\S+, not \S+\) · took the top guess \d+ of 32 times", text
    )
    assert "top guess 32 of 32 times\n" in text.partition("temperature 0.7")[0]


@pytest.mark.slow
async def test_the_same_seed_gives_the_same_texts(
    world: World, ada: MemberActor, channel: ChannelHandle
) -> None:
    once = texts_of(await compare(ada, channel))
    await forget(world)
    again = texts_of(await compare(ada, channel))
    other = texts_of(await compare(ada, channel, seed=43))

    assert again == once
    assert other["greedy"] == once["greedy"]
    assert other["temperature 1.0"] != once["temperature 1.0"]


async def test_long_texts_come_whole_as_a_file(ada: MemberActor, channel: ChannelHandle) -> None:
    card = card_of(await compare(ada, channel, max_tokens=64))
    (file,) = [one for one in card.message.attachments if one.filename == "texts.txt"]
    whole = (await file.read()).decode()

    assert whole.startswith("London was\n\n① greedy\n")
    assert texts_of(card)["greedy"].removesuffix("…") in re.sub(r"\s*\n\s*", " ⏎ ", whole)
    assert len(whole) > 3 * 64


async def test_all_six_replace_the_three_which_are_not_written_again(open_world: OpenWorld) -> None:
    model = FakeModel()
    async with open_world(model, max_running=8) as world:
        ada = world.members[0]
        answer = await compare(ada, world.channel)
        await world.env.settle()
        three = texts_of(answer)
        pressed = await ada.click(card_of(answer), label="Show all six")
        await world.env.settle()
        six = texts_of(answer)

        assert len(model.started) == 6
        assert (card_of(pressed).id, card_of(pressed).ephemeral) == (card_of(answer).id, False)
        assert {name: six[name] for name in three} == three
        assert len(six) == 6
        assert "saved" not in text_of(answer)
        assert "[Show all six]" not in text_of(answer)
        assert "[Delete]" in text_of(answer)
        for method in COMPLETIONS:
            assert card_of(await open_one(ada, pressed, method)).ephemeral


async def test_all_six_are_another_person_s_own_and_private(open_world: OpenWorld, runs: Runs) -> None:
    model = FakeModel()
    async with open_world(model, max_running=8) as world:
        ada, grace, *_ = world.members
        answer = await compare(ada, world.channel)
        await world.env.settle()
        before = text_of(answer)
        hers = await grace.click(card_of(answer), label="Show all six")
        await world.env.settle()

        assert text_of(answer) == before
        assert card_of(hers).ephemeral
        assert len(texts_of(hers)) == 6
        assert len(model.started) == 6
        await elsewhere(runs.forget(ada.id))  # the prompt was hers
        assert "no longer works" in refusal_of(await open_one(grace, hers, "temperature 1.5"))


async def test_a_comparison_that_no_longer_exists_cannot_grow(
    world: World, ada: MemberActor, channel: ChannelHandle
) -> None:
    answer = await compare(ada, channel)
    before = text_of(answer)
    await forget(world)

    for label in ("Show all six", "Numbers"):
        assert "no longer works" in refusal_of(await ada.click(card_of(answer), label=label))
    assert text_of(answer.response or card_of(answer)) == before


async def test_a_full_queue_leaves_the_three_as_they_are(open_world: OpenWorld) -> None:
    model = FakeModel()
    async with open_world(model, max_running=3, max_waiting=0) as world:
        ada, grace, *_ = world.members
        answer = await compare(ada, world.channel)
        await world.env.settle()
        before, model.stepwise = text_of(answer), True
        await grace.slash(world.channel, "complete", prompt="Paris will")
        pressed = await ada.click(card_of(answer), label="Show all six")
        await world.env.settle()

        assert "queue is full" in refusal_of(pressed)
        assert text_of(answer.response or card_of(answer)) == before


async def test_the_menu_on_an_older_card_opens_a_text(
    world: World, ada: MemberActor, channel: ChannelHandle
) -> None:
    run_id = opening(card_of(await compare(ada, channel)))["temperature 1.0"].rpartition(":")[2]
    message = await older_card(world, run_id)

    opened = await ada.select(message, [run_id], custom_id=OPEN)
    assert "seed 42 · temperature 1 · 8 tokens" in text_of(opened)


async def test_one_opens_as_a_private_card_of_its_own(
    ada: MemberActor, grace: MemberActor, channel: ChannelHandle
) -> None:
    answer = await compare(ada, channel)
    opened = await open_one(grace, answer, "temperature 0.7")

    assert card_of(opened).ephemeral
    assert card_of(opened).id != card_of(answer).id
    assert "seed 42 · temperature 0.7 · 8 tokens" in text_of(opened)
    labels = [button["label"] for button in buttons(card_of(opened).components)]
    assert labels[0] == "Continue"
    assert labels[-1] == "Share"


@pytest.mark.slow
async def test_an_opened_text_continues_like_one_longer_request(
    ada: MemberActor, channel: ChannelHandle
) -> None:
    opened = await open_one(ada, await compare(ada, channel), "temperature 1.0")
    longer = await ada.slash(
        channel, "complete", prompt="London was", seed=42, max_tokens=16, top_k=0, temperature=1.0
    )
    answer = await ada.click(card_of(opened), label="Continue")

    assert text_of(answer).partition(RULE)[0] == text_of(longer).partition(RULE)[0]


@pytest.mark.slow
async def test_the_buttons_work_after_the_bot_restarted(
    ada: MemberActor, channel: ChannelHandle, restart: Callable[[], Awaitable[None]]
) -> None:
    answer = await compare(ada, channel)
    await restart()

    assert "greedy · 8 tokens" in text_of(await open_one(ada, answer, "greedy"))


async def test_a_forgotten_text_cannot_be_opened(
    world: World, ada: MemberActor, channel: ChannelHandle
) -> None:
    answer = await compare(ada, channel)
    await forget(world)

    assert "no longer works" in refusal_of(await open_one(ada, answer, "greedy"))


async def test_saved_texts_are_shown_again_and_labelled_as_such(open_world: OpenWorld) -> None:
    model = FakeModel()
    async with open_world(model, max_running=8) as world:
        ada, grace, *_ = world.members
        first = await compare(ada, world.channel)
        await world.env.settle()
        second = await compare(grace, world.channel)
        await world.env.settle()
        third = await compare(ada, world.channel, seed=43)
        await world.env.settle()

        assert texts_of(second) == texts_of(first)
        assert "These texts are saved replies." in text_of(second)
        assert "saved" not in text_of(first)
        assert "1 of these 3 texts is a saved reply." in text_of(third)  # greedy needs no seed
        assert len(model.started) == 3 + 2
        assert card_of(await open_one(grace, second, "greedy"))


async def test_private_is_for_one_person(ada: MemberActor, channel: ChannelHandle) -> None:
    assert card_of(await compare(ada, channel, private=True)).ephemeral
    assert not card_of(await compare(ada, channel)).ephemeral


@pytest.mark.slow
async def test_a_shared_comparison_still_opens(
    ada: MemberActor, grace: MemberActor, channel: ChannelHandle
) -> None:
    public = await ada.click(card_of(await compare(ada, channel, private=True)), label="Share")

    assert "greedy · 8 tokens" in text_of(await open_one(grace, public, "greedy"))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"prompt": "   \n"}, "The prompt is blank"),
        ({"prompt": "🙃" * 999, "max_tokens": 64}, "shorten your prompt"),
    ],
)
async def test_a_request_that_cannot_be_served_is_answered_in_private(
    ada: MemberActor, channel: ChannelHandle, options: dict[str, Any], sentence: str
) -> None:
    assert sentence in refusal_of(await compare(ada, channel, **options))


@pytest.mark.slow
@pytest.mark.parametrize("prompt", ["<|endoftext|>", "a\x00b", "@everyone ```", "שלום", "x" * 2000])
async def test_odd_prompts_are_text_like_any_other(
    ada: MemberActor, channel: ChannelHandle, prompt: str
) -> None:
    assert card_of(await compare(ada, channel, prompt=prompt))
