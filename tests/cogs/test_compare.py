"""/compare as people use it: six texts from one prompt, opened, shared, requested again."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from simcord import ChannelHandle, MemberActor

from bot.playground.plain import RULE
from bot.playground.world import World
from tests.cogs.conftest import OpenWorld
from tests.fakes.model import FakeModel
from tests.support.comparing import compare, open_one, texts_of
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
    texts = texts_of(await compare(ada, channel))
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
    text = text_of(await compare(ada, channel, max_tokens=32))

    assert re.search(
        r"differs from greedy at token \d+ \(\S+, not \S+\) · took the top guess \d+ of 32 times", text
    )
    assert "top guess 32 of 32 times\n" in text.partition("temperature 0.3")[0]


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
    assert other["temperature 1.5"] != once["temperature 1.5"]


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
async def test_the_menu_works_after_the_bot_restarted(
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
        assert "6 of these 6 texts are saved replies" in text_of(second)
        assert "saved" not in text_of(first)
        assert "1 of these 6 texts are saved replies" in text_of(third)  # greedy needs no seed
        assert len(model.started) == 6 + 5
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
